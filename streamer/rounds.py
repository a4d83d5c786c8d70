"""Rounds: a batch is split so that each series occurs once in a round, in its own order from round to round."""

import numpy as np

from connectors.columns import Int64

MAX_ROUND_ROWS = {"cpu": 2048, "cuda": 4096}  # larger rounds are cut: beyond, tensors leave the cache; an epoch is over


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
