"""One operation of a recording as it is read: what it yields, and how its arguments become places of values."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from streamer.native.code import FLOATING, TYPES, Code
from streamer.native.columns import PROBE_ROWS, Columns, Places, Unreadable, each, filled

DTYPES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Bool": torch.bool,
}  # as a recording calls them


class Product(NamedTuple):
    """A matrix product, which torch goes on computing: rows of ``given`` times a weight and a bias."""

    given: Places  # (k, F)
    weight: Tensor  # (F, H)
    bias: Tensor  # (H,)
    stage: int


class Program(NamedTuple):
    """What a recording computes."""

    code: Code
    products: list[Product]
    tables: list[Tensor]  # constants that values are looked up in


class Call(NamedTuple):
    """An operation on columns that is being read."""

    program: Program
    dtype: torch.dtype
    sizes: tuple[int, ...]  # of what it yields, rows and all

    @property
    def code(self) -> Code:
        """Where values are added."""
        return self.program.code

    @property
    def type(self) -> str:
        """Of the values that it yields."""
        return TYPES[self.dtype]

    @property
    def floats(self) -> bool:
        """Whether it yields floating numbers."""
        return self.type in FLOATING

    @property
    def axis(self) -> int | None:
        """Along which rows lie in what it yields."""
        return _axis(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array of what it yields."""
        return _shape(self.sizes)

    def columns(self, given: Any) -> Columns:
        """An argument as columns: those that it is, a tensor of constants, or a number.

        Raises:
            Unreadable: it is none of these.
        """
        if isinstance(given, Columns):
            return given
        if isinstance(given, Tensor) and given.dtype in TYPES:
            axis = _axis(given.shape)
            rows = given if axis is None else given.narrow(axis, 0, given.shape[axis] // PROBE_ROWS)
            places = np.empty(rows.numel(), dtype=object)
            places[:] = [self.code.constant(number, TYPES[given.dtype]) for number in rows.reshape(-1).tolist()]
            return Columns(places.reshape(rows.shape), given.dtype, axis)
        if isinstance(given, bool | int | float):
            dtype = torch.result_type(torch.empty(1, dtype=self.dtype), given)
            return Columns(filled((), self.code.constant(given, TYPES[dtype])), dtype)
        raise Unreadable(f"expected columns, got {given!r}")

    def places(self, given: Any, dtype: torch.dtype | None = None) -> Places:
        """An argument's values, as those that the operation yields or of another dtype."""
        to = dtype or self.dtype
        if isinstance(given, bool | int | float):
            return filled((), self.code.constant(given, TYPES[to]))
        columns = self.columns(given)
        if columns.dtype == to:
            return columns.places
        return each(lambda place: self.code.converted(place, TYPES[to]), columns.places)

    def common(self, *given: Any) -> torch.dtype:
        """The dtype in which torch compares arguments."""
        sample, *rest = (_sample(one) for one in given)
        for one in rest:
            sample = torch.empty(
                [1] * max(getattr(sample, "ndim", 0), getattr(one, "ndim", 0)), dtype=torch.result_type(sample, one)
            )
        return sample.dtype if isinstance(sample, Tensor) else self.dtype

    def each(self, function: Callable[..., int], *given: Any) -> Places:
        """A function of the arguments' values, which have the dtype of what the operation yields."""
        return each(function, *(self.places(one) for one in given))

    def instruction(self, floating: str, whole: str, *given: Any) -> Places:
        """One instruction for floating numbers, or another for whole ones."""
        name = floating if self.floats else whole
        if not name:
            raise Unreadable(f"no {floating} of {self.dtype}")
        return self.each(lambda *of: self.code.add(name, self.type, *of), *given)

    def moved(self, places: Places, columns: Columns) -> Columns:
        """Columns moved elsewhere. places: in the shape of what the operation yields."""
        return Columns(places, columns.dtype, self.axis)


def _sample(given: Any) -> Any:
    if isinstance(given, Columns):
        return torch.empty([1] * given.places.ndim, dtype=given.dtype)
    return torch.empty([1] * given.ndim, dtype=given.dtype) if isinstance(given, Tensor) else given


def _axis(sizes: Sequence[int]) -> int | None:
    return next((axis for axis, size in enumerate(sizes) if size and size % PROBE_ROWS == 0), None)


def _shape(sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(size // PROBE_ROWS if size and size % PROBE_ROWS == 0 else size for size in sizes)


def reshaped(call: Call, columns: Columns) -> Columns:
    """Columns in the shape of what an operation yields.

    Raises:
        Unreadable: rows would come to lie inside of what a row has.
    """
    if call.axis is None and (columns.axis is not None or columns.tiled):
        if math.prod(call.sizes[:2]) % PROBE_ROWS:
            raise Unreadable(f"rows of {columns.places.shape} as {call.sizes}")
        places = columns.places.reshape(-1, 1, *call.sizes[2:])
        return Columns(places, columns.dtype, tiled=True)
    before = math.prod(columns.places.shape[: columns.axis]) if columns.axis else 1
    if columns.axis is not None and before != math.prod(call.shape[: call.axis]):
        raise Unreadable(f"rows of {columns.places.shape} along axis {columns.axis} as {call.sizes}")
    return Columns(columns.places.reshape(call.shape), columns.dtype, call.axis)


Operation = Callable[..., Any]
Read = TypeVar("Read", bound=Operation)
OPERATIONS: dict[str, Operation] = {}  # by torch's names: a call and its arguments -> what it yields


def operation(*names: str) -> Callable[[Read], Read]:
    """Say that a function reads the operations of these names."""

    def register(function: Read) -> Read:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register
