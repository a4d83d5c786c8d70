"""Rounds: each series once a round, in its own order, and every reading in exactly one."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cells import padded_rows, whole_tiles
from streamer.rounds import Rounds, split_rounds


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


@pytest.mark.parametrize("padded", [padded_rows, whole_tiles])
@given(rows=st.lists(st.integers(1, 50), min_size=1, max_size=400))
def test_a_column_comes_back_from_its_rounds_as_it_was(padded: Callable[[int], int], rows: list[int]) -> None:
    rounds, column = Rounds(np.array(rows), 64, padded), np.arange(2.0 * len(rows)).reshape(-1, 2)

    stepped = rounds.padded(column, -1.0)

    assert len(stepped) == sum(rounds.sizes)
    assert np.array_equal(stepped[rounds.back], column)
    assert (np.delete(stepped, rounds.back, axis=0) == -1.0).all()


def test_each_round_lies_where_its_size_says() -> None:
    rounds = Rounds(np.array([1, 2, 1, 1]), 64, padded_rows)
    parts = np.split(rounds.padded(np.arange(4), 9), np.cumsum(rounds.sizes)[:-1])

    assert [part[: len(positions)].tolist() for part, positions in zip(parts, rounds.positions, strict=True)] == [
        [0, 1], [2], [3],
    ]  # fmt: skip
    assert {number for part, at in zip(parts, rounds.positions, strict=True) for number in part[len(at) :]} == {9}
