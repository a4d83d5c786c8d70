"""Operations that compute nothing: they make, cut, join and turn columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from streamer.native.call import Call, operation, reshaped
from streamer.native.columns import PROBE_ROWS, Columns, Places, Table, Unreadable, filled


@operation("view", "reshape", "flatten", "unsqueeze", "squeeze")
def reshape(call: Call, given: Any, *_: Any) -> Columns | Table:
    """The same values in another shape."""
    if isinstance(given, Table):
        return given._replace(shape=tuple(call.sizes))
    return reshaped(call, call.columns(given))


@operation("contiguous", "detach")
def same(call: Call, given: Any, *_: Any) -> Columns:
    """Nothing is done."""
    return call.columns(given)


@operation("clone")
def clone(call: Call, given: Any, *_: Any) -> Places:
    """A copy, which may be written into."""
    return call.places(given).copy()


@operation("to")
def to(call: Call, given: Any, *_: Any) -> Places:
    """The values as another dtype."""
    return call.places(given)


@operation("zeros", "zeros_like")
def zeros(call: Call, *_: Any) -> Places:
    """Columns of zeros."""
    return _made(call, 0)


@operation("ones", "ones_like")
def ones(call: Call, *_: Any) -> Places:
    """Columns of ones."""
    return _made(call, 1)


@operation("full", "full_like")
def full(call: Call, *given: Any) -> Places:
    """Columns of one number: the first argument that can be one."""
    numbers = [one.item() if isinstance(one, Tensor) and one.numel() == 1 else one for one in given[1:]]
    return _made(call, next(number for number in numbers if isinstance(number, bool | int | float)))


def _made(call: Call, number: float) -> Places:
    return filled(call.shape, call.code.constant(number, call.type))


@operation("copy_")
def copy(call: Call, given: Columns, source: Any, *_: Any) -> Columns:
    """Written over what is given, and so over what it is a view of."""
    given.places[...] = call.places(source, given.dtype)
    return given


@operation("expand", "expand_as")
def expand(call: Call, given: Any, *_: Any) -> Columns:
    """The same values along more axes."""
    columns = call.columns(given)
    return call.moved(np.broadcast_to(columns.places, call.shape), columns)


@operation("repeat_interleave")
def repeat_interleave(call: Call, given: Any, times: Any, axis: int | None = None, *_: Any) -> Columns:
    """Each value several times in a row."""
    columns = call.columns(given)
    times = times.item() if isinstance(times, Tensor) and times.numel() == 1 else times
    if not isinstance(times, int):
        raise Unreadable("values repeated as many times as a tensor says")
    if columns.axis is None and call.axis is not None:  # what all rows have
        if columns.places.shape[axis or 0] != 1:
            raise Unreadable("rows that share one of several")
        times //= PROBE_ROWS
    return call.moved(np.repeat(columns.places, times, axis=axis or 0), columns)


@operation("transpose")
def transpose(call: Call, given: Any, a: int, b: int) -> Columns:
    """Two axes exchanged."""
    columns = call.columns(given)
    return call.moved(np.swapaxes(columns.places, a, b), columns)


@operation("permute")
def permute(call: Call, given: Any, axes: Sequence[int]) -> Columns:
    """Axes in another order."""
    columns = call.columns(given)
    return call.moved(np.transpose(columns.places, axes), columns)


@operation("movedim")
def movedim(call: Call, given: Any, source: Any, destination: Any) -> Columns:
    """Axes moved elsewhere."""
    columns = call.columns(given)
    return call.moved(np.moveaxis(columns.places, source, destination), columns)


@operation("flip")
def flip(call: Call, given: Any, axes: Sequence[int]) -> Columns:
    """Values from the last to the first."""
    columns = call.columns(given)
    _spare_rows(columns, *axes)
    return call.moved(np.flip(columns.places, tuple(axes)), columns)


def _spare_rows(columns: Columns, *axes: int) -> None:
    """Return if rows lie along none of the axes, which are to be cut, joined or turned."""
    if columns.axis in {axis % columns.places.ndim for axis in axes}:
        raise Unreadable("rows that change their places")


@operation("slice")
def cut(call: Call, given: Any, axis: int = 0, start: int | None = None, stop: int | None = None, step: int = 1) -> Any:
    """Values of one axis from a place to another."""
    columns = call.columns(given)
    if columns.axis == axis % columns.places.ndim:
        if call.shape != columns.places.shape:
            raise Unreadable("some of the rows")
        return columns
    index: list[Any] = [slice(None)] * columns.places.ndim
    index[axis] = slice(start, stop, step)
    return call.moved(columns.places[tuple(index)], columns)


@operation("narrow")
def narrow(call: Call, given: Any, axis: int, start: int, length: int) -> Any:
    """So many values of one axis."""
    return cut(call, given, axis, start, start + length)


@operation("select")
def select(call: Call, given: Any, axis: int, at: int) -> Columns:
    """The values at one place of an axis, which may be written into."""
    columns = call.columns(given)
    if columns.axis == axis % columns.places.ndim:
        raise Unreadable("one of the rows")
    index: list[Any] = [slice(None)] * columns.places.ndim
    index[axis] = at
    return call.moved(columns.places[(*index, ...)], columns)


@operation("cat")
def cat(call: Call, given: Sequence[Any], axis: int = 0) -> Places:
    """One after the other along an axis."""
    for one in given:
        _spare_rows(call.columns(one), axis)
    return np.concatenate([call.places(one) for one in given], axis=axis)


@operation("stack")
def stack(call: Call, given: Sequence[Any], axis: int = 0) -> Places:
    """One beside the other along a new axis."""
    return np.stack([call.places(one) for one in given], axis=axis)


@operation("split_with_sizes")
def split_with_sizes(call: Call, given: Any, sizes: Sequence[int], axis: int = 0) -> list[Columns]:
    """Pieces of an axis of given sizes."""
    columns = call.columns(given)
    _spare_rows(columns, axis)
    pieces = np.split(columns.places, np.cumsum(sizes)[:-1], axis=axis)
    return [columns._replace(places=piece) for piece in pieces]


@operation("split")
def split(call: Call, given: Any, size: int, axis: int = 0) -> list[Columns]:
    """Pieces of an axis of one size."""
    length = call.columns(given).places.shape[axis]
    return split_with_sizes(call, given, [min(size, length - start) for start in range(0, length, size)], axis)


@operation("chunk")
def chunk(call: Call, given: Any, count: int, axis: int = 0) -> list[Columns]:
    """So many pieces of an axis."""
    return split(call, given, -(-call.columns(given).places.shape[axis] // count), axis)


@operation("unbind")
def unbind(call: Call, given: Any, axis: int = 0) -> list[Columns]:
    """What lies at each place of an axis."""
    columns = call.columns(given)
    along = axis % columns.places.ndim
    rows = columns.axis if columns.axis is None or along > columns.axis else columns.axis - 1
    moved = np.moveaxis(columns.places, along, 0)
    return [Columns(moved[(at, ...)], columns.dtype, rows) for at in range(len(moved))]
