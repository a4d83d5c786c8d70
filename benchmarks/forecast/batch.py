"""Real series side by side: rows of unequal length, the longest first, all causal and once through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Series:
    """One channel of a data set."""

    source: str
    name: str
    values: Float64  # (T,)
    seconds: Float64  # (T,) local time since the epoch, rising
    season: int  # readings of its natural period, for the seasonal last value

    def head(self, most: int) -> "Series":
        """Its first readings."""
        return Series(self.source, self.name, self.values[:most], self.seconds[:most], self.season)

    def thinned(self, kept: Bool | slice) -> "Series":
        """Some of its readings."""
        return Series(self.source, self.name, self.values[kept], self.seconds[kept], self.season)


@dataclass(frozen=True, slots=True)
class Batch:
    """Series as the rows of one array. T time, B series; what lies behind a row's end is its last reading again."""

    series: tuple[Series, ...]  # by falling length
    values: Float64  # (T, B)
    seconds: Float64  # (T, B)
    lengths: Int64  # (B,)

    @staticmethod
    def of(series: Sequence[Series]) -> "Batch":
        """Lay them side by side."""
        rows = tuple(sorted(series, key=lambda one: -len(one.values)))
        lengths = np.array([len(row.values) for row in rows])
        at = np.minimum(np.arange(lengths[0])[:, None], lengths - 1)
        values, seconds = np.empty(at.shape), np.empty(at.shape)
        for b, row in enumerate(rows):
            values[:, b], seconds[:, b] = row.values[at[:, b]], row.seconds[at[:, b]]
        return Batch(rows, values, seconds, lengths)

    @property
    def sources(self) -> tuple[str, ...]:
        """Their names, in alphabetical order."""
        return tuple(sorted({row.source for row in self.series}))

    def of_source(self, source: str) -> Int64:
        """The rows of one source."""
        return np.array([b for b, row in enumerate(self.series) if row.source == source])

    def alive(self, first: int) -> int:
        """How many rows are longer than this."""
        return int((self.lengths > first).sum())
