"""Rounds: a batch is split so that each series occurs once in a round, in its own order from round to round."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64

MAX_ROUND_ROWS = {"cpu": 2048, "cuda": 4096}  # larger rounds are cut: beyond, tensors leave the cache; an epoch is over


class Rounds:
    """The readings of a batch, one round behind the other, each padded to a size that steps have."""

    def __init__(self, rows: Int64, most: int, padded: Callable[[int], int]) -> None:
        """rows: (N,) the row of each reading, most: readings in a round, padded: from that many to the size."""
        self.positions = split_rounds(rows, most)  # of the readings of each round
        self.sizes = [padded(len(positions)) for positions in self.positions]
        self._at = np.full(sum(self.sizes), len(rows))  # (padded,) which reading, N for the padding
        for stop, size, positions in zip(accumulate(self.sizes), self.sizes, self.positions, strict=True):
            self._at[stop - size :][: len(positions)] = positions

    def padded(self, column: NDArray[Any], filling: Any) -> NDArray[Any]:
        """A column in the order of the rounds. (N, …) -> (padded, …), with the filling where there is no reading."""
        last = np.full((1, *column.shape[1:]), filling, dtype=column.dtype)
        return np.concatenate((column, last)).take(self._at, axis=0)

    @property
    def back(self) -> Int64:
        """Where each reading lies in the order of the rounds. -> (N,)."""
        places = np.empty(sum(map(len, self.positions)) + 1, dtype=np.int64)
        places[self._at] = np.arange(len(self._at))
        return places[:-1]


def split_rounds(rows: Int64, most: int) -> list[Int64]:
    """Positions of each round. rows: (N,) the row of each reading -> arrays of positions that partition 0…N-1.

    most: positions in an array.
    """
    by_row = np.argsort(rows, kind="stable")
    sorted_rows = rows[by_row]
    starts = np.flatnonzero(np.concatenate(([True], sorted_rows[1:] != sorted_rows[:-1])))
    lengths = np.diff(np.append(starts, len(rows)))
    occurrence = np.arange(len(rows)) - np.repeat(starts, lengths)
    if (lengths == 1).all():
        rounds = [by_row]
    else:
        by_round = by_row[np.argsort(occurrence, kind="stable")]
        rounds = np.split(by_round, np.cumsum(np.bincount(occurrence))[:-1])
    return [part for whole in rounds for part in np.split(whole, range(most, len(whole), most))]
