"""Tensors of many rows as arrays of what one row computes, so that numpy moves values where torch moves columns."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Places = NDArray[Any]  # of Python's own integers: places of values in the code

PROBE_ROWS = 992  # of the recording that is read: a size that nothing else has, so that rows are told by it


class Unreadable(Exception):  # not an error: such a step goes on as its recording
    """A recording does what has no machine code. The text says what."""


class Columns(NamedTuple):
    """A tensor: the places of the values of one row, in the tensor's shape with its rows left out.

    Where rows lie along an axis, the array has along it how many values of a row do: with two channels flattened into
    it, a column of (B * 2) numbers has an array of 2. Where they lie along none, every row has the same values.
    """

    places: Places
    dtype: torch.dtype
    axis: int | None = None  # along which rows lie
    tiled: bool = False  # (tiles, rows of a tile, ...): rows lie along two

    def made(self, rows: int) -> Tensor:
        """An empty tensor of so many rows, which lie along the first axis."""
        return torch.empty((rows * len(self.places), *self.places.shape[1:]), dtype=self.dtype)


class Table(NamedTuple):
    """A tensor that has no rows and is looked up in: told by which one it is, its shape and dtype."""

    source: tuple[str, int]
    shape: tuple[int, ...]
    dtype: torch.dtype


def each(function: Callable[..., int], *arrays: Places) -> Places:
    """A function of places, place by place, of arrays that are broadcast against each other."""
    spread = np.broadcast_arrays(*arrays)
    places = np.empty(spread[0].shape, dtype=object)
    flat = places.reshape(-1)
    for index, of in enumerate(zip(*(array.reshape(-1) for array in spread), strict=True)):
        flat[index] = function(*of)
    return places


def filled(shape: tuple[int, ...], place: int) -> Places:
    """An array of one place."""
    places = np.empty(shape, dtype=object)
    places[...] = place
    return places
