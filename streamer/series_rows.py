"""The rows of one partition on the host: which series has which, and the few columns that order and people need."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDING_ROW = 0  # never a series: what fills up a tile
FIRST_CAPACITY = 64
_FREE = ""  # the name in a row that no series has


class SeriesRows:
    """Which row belongs to which series. A new one gets the lowest row that is free; no score depends on which."""

    def __init__(self, appeared: Callable[[str], None] | None = None) -> None:
        self._rows: dict[str, int] = {}
        self._names = [_FREE]  # by row, the padding row first
        self._free: list[int] = []  # a heap of released rows
        self._appeared = appeared

    def __len__(self) -> int:
        """How many series have a row."""
        return len(self._rows)

    def __contains__(self, name: str) -> bool:
        """Whether this series has a row."""
        return name in self._rows

    @property
    def height(self) -> int:
        """Rows that a column must have room for: the padding row, and those of series, free ones among them."""
        return len(self._names)

    def of(self, series: NDArray[np.object_]) -> NDArray[np.int64]:
        """The row of each reading's series, a new one where it has none. (N,) -> (N,)."""
        rows = list(map(self._rows.get, series.tolist()))
        if None in rows:
            rows = [self._row(name) for name in series.tolist()]
        return np.array(rows, dtype=np.int64)

    def find(self, names: list[str]) -> NDArray[np.int64]:
        """The rows of those among these series that have one. -> (M,), in the order of the names."""
        return np.array([self._rows[name] for name in names if name in self._rows], dtype=np.int64)

    def live(self) -> NDArray[np.int64]:
        """The rows that series have. -> (len,) rising."""
        if not self._free:
            return np.arange(PADDING_ROW + 1, self.height, dtype=np.int64)
        return np.sort(np.fromiter(self._rows.values(), dtype=np.int64, count=len(self._rows)))

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """The series that have these rows."""
        return list(map(self._names.__getitem__, rows.tolist()))

    def release(self, rows: NDArray[np.int64]) -> None:
        """Take these rows from their series, for others to have. What the columns hold there is not touched."""
        for row in rows.tolist():
            del self._rows[self._names[row]]
            self._names[row] = _FREE
            heappush(self._free, row)

    def _row(self, name: str) -> int:
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = self._take(name)
            if self._appeared is not None:
                self._appeared(name)
        return row

    def _take(self, name: str) -> int:
        if self._free:
            row = heappop(self._free)
            self._names[row] = name
        else:
            row = len(self._names)
            self._names.append(name)
        return row


class HostColumns:
    """The few columns that are needed before and after the device: plain numpy, one array a column."""

    def __init__(self, initial: Mapping[str, NDArray[Any]]) -> None:
        """initial: name -> the value of one row, whose shape and dtype the column takes."""
        self._initial = initial
        self._arrays = {name: np.repeat(value[None], FIRST_CAPACITY, axis=0) for name, value in initial.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The whole column, to be read and written in place. -> (capacity, *shape)."""
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the columns."""
        return iter(self._arrays)

    def copy(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """These rows of every column. rows: (N,) -> name: (N, *shape)."""
        return {name: array[rows] for name, array in self._arrays.items()}

    def ensure(self, rows: int) -> None:
        """Make room for this many rows."""
        for name, array in self._arrays.items():
            if rows > len(array):
                more = max(rows, 2 * len(array)) - len(array)
                self._arrays[name] = np.concatenate((array, np.repeat(self._initial[name][None], more, axis=0)))

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Give these rows their initial values again."""
        for name, array in self._arrays.items():
            array[rows] = self._initial[name]
