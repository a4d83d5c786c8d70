"""Room on the host for a copy of state, the same each time: new memory costs more than the copy."""

from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

_LINE_BYTES = 64  # arrays begin at a cache line
_SPARE_BYTES = 64 * _LINE_BYTES  # for what is lost between so many arrays


class Room:
    """One piece of memory that is cut into arrays. What was cut before a `clear` may change after it."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._used = 0

    def clear(self, size_bytes: int, *, is_pinned: bool = False) -> None:
        """Begin anew, with room for arrays of so many bytes together. Pages that are never written cost nothing.

        ``is_pinned``: memory that a CUDA device copies fastest into.
        """
        self._used = 0
        size_bytes += _SPARE_BYTES
        if size_bytes <= len(self._memory):
            return
        if is_pinned:
            self._memory = torch.empty(size_bytes, dtype=torch.uint8, pin_memory=True).numpy()
        else:
            self._memory = np.empty(size_bytes, np.uint8)  # in huge pages, where torch would have small ones

    def copy(self, array: NDArray[Any], rows: NDArray[np.int64] | slice) -> NDArray[Any]:
        """These rows of an array; those of a slice are copied in one piece. (R, …), rows: (N,) -> (N, …)."""
        if isinstance(rows, slice):
            source = array[rows]
            copy = self.cut(source.shape, array.dtype)
            np.copyto(copy, source)
            return copy
        copy = self.cut((len(rows), *array.shape[1:]), array.dtype)
        return np.take(array, rows, axis=0, out=copy, mode="clip")  # the other modes copy once more

    def cut(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of whatever was there; of memory of its own where there is no room left."""
        size_bytes = prod(shape) * np.dtype(dtype).itemsize
        start, stop = self._used, self._used + size_bytes
        if stop > len(self._memory):
            return np.empty(shape, dtype)
        self._used = -(-stop // _LINE_BYTES) * _LINE_BYTES
        return self._memory[start:stop].view(dtype).reshape(shape)
