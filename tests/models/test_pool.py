"""The pool: the open epoch counts, and closing it is what makes the counts count."""

import torch

from models.outcome import Outcome
from models.pool import BIN_WIDTH, BINS, Pool, close_epoch, fold


def outcome(surprise: list[float], judged: list[bool]) -> Outcome:
    rows = len(surprise)
    filler = {name: torch.zeros(rows) for name in Outcome._fields}
    column = torch.tensor(surprise).unsqueeze(1)
    return Outcome(**{**filler, "surprise": column, "is_judged": torch.tensor(judged).unsqueeze(1)})


def test_the_line_is_the_surprise_of_the_tail_probability() -> None:
    assert Pool.fresh(1e-4).line == 4


def test_judged_channels_are_counted_in_their_bin_of_the_open_epoch() -> None:
    pool = fold(Pool.fresh(1e-3), outcome([0.0, BIN_WIDTH * 2.5, 1e3, 1.0], [True, True, True, False]))

    assert pool.open.nonzero().flatten().tolist() == [0, 2, BINS - 1]
    assert int(pool.closed.sum()) == 0


def test_folding_twice_counts_twice_and_leaves_the_first_pool_alone() -> None:
    empty = Pool.fresh(1e-3)

    once = fold(empty, outcome([1.0], [True]))
    twice = fold(once, outcome([1.0], [True]))

    assert [int(pool.open.sum()) for pool in (empty, once, twice)] == [0, 1, 2]


def test_closing_an_epoch_moves_its_counts_behind_the_line() -> None:
    prior = torch.ones(BINS, dtype=torch.int64)
    pool = fold(Pool.fresh(1e-3, prior), outcome([1.0], [True]))

    closed = close_epoch(pool)

    assert int(closed.closed.sum()) == BINS + 1
    assert int(closed.open.sum()) == 0
    assert closed.epoch == 1
    assert closed.line == pool.line
    assert int(prior.sum()) == BINS
