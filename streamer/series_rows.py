"""The rows of one partition on the host: which series has which, and the few columns that order and people need."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDING_ROW = 0  # never a series: what fills up a tile
FIRST_CAPACITY = 64


class SeriesRows:
    """Which row belongs to which series. Rows are given out in order of first appearance, from 1 on."""

    def __init__(self, appeared: Callable[[str], None] | None = None) -> None:
        self.keys: list[str] = []  # in row order; row 1 is the first
        self._rows: dict[str, int] = {}
        self._appeared = appeared

    def __len__(self) -> int:
        """Rows in use, the padding row included."""
        return len(self.keys) + 1

    def of(self, series: NDArray[np.object_]) -> NDArray[np.int64]:
        """The row of each reading's series, a new one where it was never seen. (N,) -> (N,)."""
        rows = list(map(self._rows.get, series.tolist()))
        if None in rows:
            rows = [self._row(key) for key in series.tolist()]
        return np.array(rows, dtype=np.int64)

    def _row(self, key: str) -> int:
        if key not in self._rows:
            self._rows[key] = len(self)
            self.keys.append(key)
            if self._appeared is not None:
                self._appeared(key)
        return self._rows[key]


class HostColumns:
    """The few columns that are needed before and after the device: plain numpy, one array a column."""

    def __init__(self, initial: Mapping[str, NDArray[Any]]) -> None:
        """initial: name -> the value of one row, whose shape and dtype the column takes."""
        self._initial = initial
        self._arrays = {name: np.repeat(value[None], FIRST_CAPACITY, axis=0) for name, value in initial.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The whole column, to be read and written in place. -> (capacity, *shape)."""
        return self._arrays[name]

    def ensure(self, rows: int) -> None:
        """Make room for this many rows."""
        for name, array in self._arrays.items():
            if rows > len(array):
                more = max(rows, 2 * len(array)) - len(array)
                self._arrays[name] = np.concatenate((array, np.repeat(self._initial[name][None], more, axis=0)))
