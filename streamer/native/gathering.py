"""Extremes and look-ups along an axis, and matrix products."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from streamer.native.bounds import largest, maximum, minimum, smallest
from streamer.native.call import Call, Product, operation
from streamer.native.code import TYPES
from streamer.native.columns import Columns, Places, Table, Unreadable, each, filled

FEW = 32  # that are compared with an index one by one; more are laid into memory


def _folded(function: Callable[[int, int], int], places: Places, axes: int | Sequence[int], keep: bool) -> Places:
    """One value in place of those along axes, from the first to the last."""
    along = tuple(axis % places.ndim for axis in ([axes] if isinstance(axes, int) else axes))
    for axis in along:
        first, *rest = np.moveaxis(places, axis, 0)
        for other in rest:
            first = each(function, first, other)
        places = np.expand_dims(first, axis)
    return places if keep else places.squeeze(along)


@operation("amax")
def amax(call: Call, given: Any, axes: Any, keep: bool = False) -> Places:
    """The largest along axes."""
    return _folded(lambda x, y: largest(call, x, y), call.places(given), axes, keep)


@operation("amin")
def amin(call: Call, given: Any, axes: Any, keep: bool = False) -> Places:
    """The smallest along axes."""
    return _folded(lambda x, y: smallest(call, x, y), call.places(given), axes, keep)


@operation("any")
def any_of(call: Call, given: Any, axis: int, keep: bool = False) -> Places:
    """Whether one along an axis holds."""
    return _folded(call.code.either, call.places(given, torch.bool), axis, keep)


@operation("all")
def all_of(call: Call, given: Any, axis: int, keep: bool = False) -> Places:
    """Whether all along an axis hold."""
    return _folded(call.code.both, call.places(given, torch.bool), axis, keep)


@operation("cumsum")
def cumsum(call: Call, given: Any, axis: int, *_: Any) -> Places:
    """Sums along an axis so far. Of single numbers torch adds up double ones."""
    wide = torch.float64 if call.dtype == torch.float32 else call.dtype
    places = np.moveaxis(call.places(Columns(call.places(given), call.dtype), wide), axis, 0)
    name = "fadd" if call.floats else "add"
    sums, so_far = [], filled(places[0].shape, call.code.constant(0, TYPES[wide]))
    for one in places:
        so_far = each(lambda x, y: call.code.add(name, TYPES[wide], x, y), so_far, one)
        sums.append(each(lambda x: call.code.converted(x, call.type), so_far))
    return np.stack(sums, axis)


def _extreme(call: Call, predicate: str, given: Any, axis: int, keep: bool) -> list[Columns]:
    """The first extreme value along an axis, where the first nan counts as one, and its index."""
    columns = call.columns(given)
    if not columns.dtype.is_floating_point:
        raise Unreadable(f"an extreme of {columns.dtype}")
    first, *rest = np.moveaxis(columns.places, axis, 0)
    best, at = first, filled(first.shape, call.code.constant(0, "i64"))

    def is_better(x: int, y: int) -> int:
        is_first_nan = call.code.both(call.code.is_nan(x), call.code.compare("ord", y, y))
        return call.code.either(call.code.compare(predicate, x, y), is_first_nan)

    for index, other in enumerate(rest, start=1):
        is_extreme = each(is_better, other, best)
        best = each(call.code.select, is_extreme, other, best)
        at = each(call.code.select, is_extreme, filled(at.shape, call.code.constant(index, "i64")), at)
    if keep:
        best, at = np.expand_dims(best, axis), np.expand_dims(at, axis)
    return [Columns(best, columns.dtype, call.axis), Columns(at, torch.int64, call.axis)]


@operation("argmax")
def argmax(call: Call, given: Any, axis: int, keep: bool = False) -> Columns:
    """The index of the largest."""
    return _extreme(call, "ogt", given, axis, keep)[1]


@operation("argmin")
def argmin(call: Call, given: Any, axis: int, keep: bool = False) -> Columns:
    """The index of the smallest."""
    return _extreme(call, "olt", given, axis, keep)[1]


@operation("max")
def highest(call: Call, given: Any, other: Any, keep: bool = False) -> Any:
    """The larger of two, or the largest along an axis and its index."""
    return _extreme(call, "ogt", given, other, keep) if isinstance(other, int) else maximum(call, given, other)


@operation("min")
def lowest(call: Call, given: Any, other: Any, keep: bool = False) -> Any:
    """The smaller of two, or the smallest along an axis and its index."""
    return _extreme(call, "olt", given, other, keep) if isinstance(other, int) else minimum(call, given, other)


@operation("index_select")
def index_select(call: Call, given: Any, axis: int, index: Any) -> Any:
    """Values at the same places of an axis in every row, or of a table at a place of a row's own."""
    is_constant = isinstance(given, Tensor) and not isinstance(index, Tensor)
    if axis == 0 and (is_constant or isinstance(given, Table)):
        return look_up(call, given, [index])
    if not isinstance(index, Tensor):
        raise Unreadable("values at places of a row's own")
    columns = call.columns(given)
    return call.moved(np.take(columns.places, index.tolist(), axis=axis), columns)


@operation("index")
def look_up(call: Call, given: Any, indices: Sequence[Any]) -> Any:
    """Values of a table at a place of a row's own, or values at the same places in every row."""
    if isinstance(given, Columns) and all(index is None or isinstance(index, Tensor) for index in indices):
        chosen = tuple(slice(None) if index is None else index.numpy() for index in indices)
        return call.moved(given.places[chosen], given)
    if isinstance(given, Tensor):
        call.program.tables.append(given.contiguous())
        given = Table(("table", len(call.program.tables) - 1), tuple(given.shape), given.dtype)
    if not isinstance(given, Table) or len(indices) != 1:
        raise Unreadable("values at places of a row's own")
    width = math.prod(given.shape[1:])
    first = each(
        lambda at: call.code.add("mul", "i64", at, call.code.constant(width, "i64")),
        call.places(indices[0], torch.int64),
    )
    places = np.stack(
        [
            each(lambda at, by=by: call.code.add("fetch", TYPES[given.dtype], at, about=(given.source, by)), first)
            for by in range(width)
        ],
        axis=-1,
    )
    return places.reshape(call.shape)


@operation("gather")
def gather(call: Call, given: Any, axis: int, index: Any, *_: Any) -> Places:
    """Values at places of a row's own along an axis."""
    values = np.moveaxis(call.places(given), axis, -1)
    at = np.moveaxis(call.places(index, torch.int64), axis, -1)
    values = np.broadcast_to(values, (*at.shape[:-1], values.shape[-1]))
    found = np.empty(at.shape, dtype=object)
    for where in np.ndindex(at.shape):
        found[where] = _picked(call, values[where[:-1]].tolist(), at[where])
    return np.moveaxis(found, -1, axis)


def _picked(call: Call, values: list[int], at: Any) -> int:
    if len(values) > FEW:
        return call.code.add("pick", call.type, call.code.add("array", call.type, *values), at)
    found = values[-1]
    for place, value in enumerate(values[:-1]):
        found = call.code.select(call.code.compare("eq", at, call.code.constant(place, "i64")), value, found)
    return found


def _scattered(call: Call, given: Any, axis: int, index: Any, source: Any, added: bool) -> Places:
    values = np.moveaxis(call.places(given).copy(), axis, -1)
    at = np.moveaxis(call.places(index, torch.int64), axis, -1)
    new = call.places(source)
    new = np.broadcast_to(np.moveaxis(new, axis, -1) if new.ndim else new, at.shape)
    for where in np.ndindex(at.shape):
        index_here, new_here = int(at[where]), int(new[where])
        for place in range(values.shape[-1]):
            old = values[(*where[:-1], place)]
            written = call.code.add("fadd", call.type, old, new_here) if added else new_here
            is_here = call.code.compare("eq", index_here, call.code.constant(place, "i64"))
            values[(*where[:-1], place)] = call.code.select(is_here, written, old)
    return np.moveaxis(values, -1, axis)


@operation("scatter")
def scatter(call: Call, given: Any, axis: int, index: Any, source: Any, *_: Any) -> Places:
    """Values written at places of a row's own along an axis."""
    return _scattered(call, given, axis, index, source, added=False)


@operation("scatter_add")
def scatter_add(call: Call, given: Any, axis: int, index: Any, source: Any) -> Places:
    """Values added at places of a row's own along an axis."""
    return _scattered(call, given, axis, index, source, added=True)


@operation("baddbmm")
def product(call: Call, bias: Any, given: Any, weight: Any, beta: float = 1, alpha: float = 1) -> Columns:
    """Tiles of rows times one matrix, which torch goes on to compute."""
    is_constant = isinstance(bias, Tensor) and isinstance(weight, Tensor)
    if not is_constant or not call.columns(given).tiled or (beta, alpha) != (1, 1):
        raise Unreadable("a matrix product that is not of tiles of rows with constants")
    places = call.columns(given).places.reshape(-1, call.columns(given).places.shape[-1])
    stage = max(call.code.values[place].stage for place in places.reshape(-1))
    number, width = len(call.program.products), weight.shape[-1]
    call.program.products.append(Product(places, weight[0].contiguous(), bias[0, 0].contiguous(), stage))
    results = np.empty(len(places) * width, dtype=object)
    for at in range(len(results)):
        results[at] = call.code.add("load", "float", about=(("product", number), at), stage=stage + 1)
    return Columns(results.reshape(len(places), 1, width), torch.float32, tiled=True)
