"""Rounds: each series once a round, in its own order, and every reading in exactly one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamer.rounds import split_rounds


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200))
def test_rounds_partition_the_batch_and_keep_the_order_of_each_series(rows: list[int]) -> None:
    rounds = split_rounds(np.array(rows), 64)

    assert sorted(np.concatenate(rounds).tolist()) == list(range(len(rows)))
    assert all(len(np.unique(np.array(rows)[positions])) == len(positions) for positions in rounds)
    for series in set(rows):
        taken = [position for positions in rounds for position in positions if rows[position] == series]
        assert taken == sorted(taken)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200))
def test_there_are_as_many_rounds_as_the_busiest_series_has_readings(rows: list[int]) -> None:
    assert len(split_rounds(np.array(rows), 64)) == max(map(rows.count, rows))


def test_a_large_round_is_cut() -> None:
    rounds = split_rounds(np.arange(1, 5001), 2048)

    assert [len(positions) for positions in rounds] == [2048, 2048, 904]
