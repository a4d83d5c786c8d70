"""The rows of one partition on the host: which series has which, and the few columns that order and people need."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from streamer.room import Room

PADDING_ROW = 0  # never a series: what fills up a tile
FIRST_CAPACITY = 64
_FREE = ""  # the name in a row that no series has


class Names(Sequence[str]):
    """The series that had some rows at one moment. They are looked up when they are asked for, in any thread."""

    def __init__(self, names: list[str], rows: NDArray[np.int64]) -> None:
        """``names`` by row: may grow, and changes nowhere else."""
        self._names = names
        self._rows = rows

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    @override
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(map(self._names.__getitem__, self._rows[index].tolist()))
        return self._names[int(self._rows[index])]


class SeriesRows:
    """Which row belongs to which series. A new one gets the lowest row that is free; no score depends on which."""

    def __init__(self, appeared: Callable[[list[str]], None] | None = None) -> None:
        """``appeared`` is told of series that get a row, in order of appearance."""
        self._rows: dict[str, int] = {}
        self._names = [_FREE]  # by row, the padding row first
        self._is_lent = False  # somebody holds the list of names: from then on it only grows
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
        names = series.tolist()
        rows = list(map(self._rows.get, names))
        if None in rows:
            self.add(list(dict.fromkeys(name for name, row in zip(names, rows, strict=True) if row is None)))
            rows = list(map(self._rows.get, names))
        return np.array(rows, dtype=np.int64)

    def add(self, names: list[str]) -> None:
        """Give rows to these series, no two of them the same, which have none: first those that are free."""
        again = names[: len(self._free)]
        if again:
            self._own_names()
        for name in again:
            row = heappop(self._free)
            self._rows[name], self._names[row] = row, name
        more = names[len(again) :]
        self._rows.update(zip(more, range(self.height, self.height + len(more)), strict=True))
        self._names += more
        if self._appeared is not None:
            self._appeared(names)

    def find(self, names: list[str]) -> NDArray[np.int64]:
        """The rows of those among these series that have one. -> (M,), in the order of the names."""
        return np.array([self._rows[name] for name in names if name in self._rows], dtype=np.int64)

    def live(self) -> NDArray[np.int64]:
        """The rows that series have. -> (len,) rising."""
        if not self._free:
            return np.arange(PADDING_ROW + 1, self.height, dtype=np.int64)
        is_live = np.ones(self.height, dtype=np.bool_)
        is_live[[PADDING_ROW, *self._free]] = False
        return np.flatnonzero(is_live)

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """The series that have these rows."""
        return list(map(self._names.__getitem__, rows.tolist()))

    def names_for_good(self, rows: NDArray[np.int64]) -> Names:
        """The series that have these rows now, whoever may have them later."""
        self._is_lent = True
        return Names(self._names, rows)

    def release(self, rows: NDArray[np.int64]) -> None:
        """Take these rows from their series, for others to have. What the columns hold there is not touched."""
        self._own_names()
        for row in rows.tolist():
            del self._rows[self._names[row]]
            self._names[row] = _FREE
            heappush(self._free, row)

    def _own_names(self) -> None:
        """Before names change: whoever has been given the list keeps it as it is."""
        if self._is_lent:
            self._names, self._is_lent = self._names.copy(), False


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

    @property
    def size_bytes(self) -> int:
        """Bytes of all columns, free rows included."""
        return sum(array.nbytes for array in self._arrays.values())

    def copy(self, rows: NDArray[np.int64] | slice, room: Room) -> dict[str, NDArray[Any]]:
        """These rows of every column. rows: (N,) -> name: (N, *shape)."""
        return {name: room.copy(array, rows) for name, array in self._arrays.items()}

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
