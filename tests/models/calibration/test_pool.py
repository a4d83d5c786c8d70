"""Pools: they count in whole numbers, act at the end of an epoch alone, and forget an incident of the whole."""

from dataclasses import replace

import pytest
import torch

from models.artifact import load, shipped
from models.calibration.bins import BINS
from models.calibration.budget import Budget
from models.calibration.epochs import FARTHEST, LEAP, STEP, close_epoch
from models.calibration.pool import HALF_LIFE_EPOCHS, PRIOR_READINGS, UNIT, Pool, Sample, fold

BUDGET = Budget(readings_per_alarm=10_000.0)
HOUR = 3_600_000  # milliseconds


def sample(rows: int, seed: int = 0, *, opened: bool = False, is_open: bool = False, climb: float = 0.5) -> Sample:
    draw = torch.Generator().manual_seed(seed)
    u = torch.rand(rows, 1, generator=draw)
    signed = -torch.log10(u) * (torch.rand(rows, 1, generator=draw) - 0.5).sign()
    climbs = torch.stack((torch.zeros(rows, 2), torch.full((rows, 2), climb)), -1)
    flags = (torch.full((rows, 2), flag) for flag in (opened, is_open))
    every = torch.ones(rows, 1, dtype=torch.bool)
    return Sample(signed, every, signed, signed, every[:, 0], climbs, *flags)


def part(whole: Sample, rows: slice) -> Sample:
    return Sample(*(column[rows] for column in whole))


def after(pool: Pool, epochs: int, one: Sample) -> Pool:
    for _ in range(epochs):
        pool = close_epoch(fold(pool, one), HOUR)
    return pool


def test_a_fresh_pool_has_the_lines_of_its_budget() -> None:
    pool = Pool.fresh(BUDGET)

    torch.testing.assert_close(pool.lines, torch.full((1, 2), 4.30103), atol=0.05, rtol=0)


def test_the_prior_of_an_artifact_weighs_as_little_as_any() -> None:
    pool = Pool.fresh(BUDGET, load(shipped("gru")).prior)

    assert pool.closed[0, :2].sum().item() == pytest.approx(PRIOR_READINGS * UNIT, rel=1e-4)
    assert pool.closed[0, 0].equal(pool.closed[0, 1])
    assert pool.table.isfinite().all()
    assert pool.table[0, 1, 170, 0] < pool.table[0, 1, 340, 0]


def test_an_open_epoch_changes_no_line_and_no_table() -> None:
    pool = Pool.fresh(BUDGET)

    counted = fold(pool, sample(512))

    assert counted.table is pool.table
    assert counted.lines is pool.lines
    assert counted.closed is pool.closed
    assert counted.open[0, :2].sum() == 512


def test_no_count_depends_on_how_readings_are_cut() -> None:
    whole, pool = sample(600), Pool.fresh(BUDGET)

    at_once = fold(pool, whole)
    cut = pool
    for rows in (slice(0, 1), slice(1, 77), slice(77, 600)):
        cut = fold(cut, part(whole, rows))

    assert all(one.equal(cut.parts()[name]) for name, one in at_once.parts().items())


def test_closing_an_epoch_is_pure() -> None:
    pool = fold(Pool.fresh(BUDGET), sample(512, opened=True))
    before = {name: one.clone() for name, one in pool.parts().items()}

    first, second = close_epoch(pool, HOUR), close_epoch(pool, HOUR)

    assert all(one.equal(before[name]) for name, one in pool.parts().items())
    assert all(one.equal(second.parts()[name]) for name, one in first.parts().items())
    assert first.epoch.tolist() == [1]


def test_what_is_old_fades_by_half_in_a_half_life() -> None:
    pool = close_epoch(fold(Pool.fresh(BUDGET), sample(4096)), HOUR)
    counted = pool.closed[0, :2].sum()

    for _ in range(HALF_LIFE_EPOCHS):
        pool = close_epoch(pool, HOUR)

    assert (pool.closed[0, :2].sum() / counted).item() == pytest.approx(0.5, abs=0.01)


def test_a_climb_is_counted_where_it_ends() -> None:
    rising = sample(1)._replace(climb=torch.tensor([[[1.0, 3.0], [0.0, 2.0]]]))
    pool = fold(Pool.fresh(BUDGET), sample(1)._replace(climb=torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])))

    risen = fold(pool, rising)

    assert risen.open[0, 2:].sum(1).tolist() == [1, 1]
    assert risen.open[0, 2].argmax() > pool.open[0, 2].argmax()


def test_too_many_alarms_move_the_line_up_and_too_few_down() -> None:
    quiet, loud = (after(Pool.fresh(BUDGET), 30, sample(4096, opened=opened)) for opened in (False, True))

    assert (loud.offset == FARTHEST).all()
    assert (quiet.offset < 0).all()
    assert (after(Pool.fresh(BUDGET), 1, sample(4096, opened=True)).offset <= LEAP).all()


def test_a_line_follows_the_counts_in_small_steps() -> None:
    pool = Pool.fresh(BUDGET)

    climbed = close_epoch(fold(pool, sample(4096, climb=9.0)), HOUR)

    assert (climbed.counted_level(BUDGET) - pool.level > 3).all()
    torch.testing.assert_close(climbed.level - pool.level, torch.full((1, 2), STEP, dtype=torch.float64))


def test_an_incident_of_the_whole_teaches_an_old_pool_nothing_for_at_most_a_half_life() -> None:
    old = after(Pool.fresh(BUDGET), HALF_LIFE_EPOCHS, sample(4096))
    incident = sample(4096, seed=9, opened=True, is_open=True, climb=9.0)

    held = after(old, HALF_LIFE_EPOCHS, incident)
    learnt = after(held, 1, incident)

    assert held.closed.equal(old.closed)
    assert held.lines.equal(old.lines)
    assert (held.open == 0).all()
    assert not learnt.closed.equal(old.closed)
    assert after(Pool.fresh(BUDGET), 1, incident).offset.gt(0).all(), "a young pool knows no better yet"


def test_of_two_budgets_the_stricter_one_holds() -> None:
    daily = replace(BUDGET, alarms_per_day=1.0)
    pool = after(Pool.fresh(daily), 5, sample(4096))  # 98,304 readings a day

    rate = daily.rate(pool.readings_per_day)

    assert 1 / 110_000 < rate.item() < 1 / 90_000
    assert (pool.lines > after(Pool.fresh(BUDGET), 5, sample(4096)).lines).all()


def test_another_budget_takes_effect_at_once_and_back_again_leaves_no_trace() -> None:
    pool = after(Pool.fresh(BUDGET), 5, sample(4096))

    strict = pool.under(Budget(readings_per_alarm=1e7))

    assert (strict.lines > pool.lines + 2).all()
    torch.testing.assert_close(strict.under(BUDGET).lines, pool.lines)


def test_pools_side_by_side_are_each_like_one_alone() -> None:
    calm, loud = sample(64, seed=1), sample(64, seed=2, opened=True)
    both = Sample(*(torch.cat(columns) for columns in zip(calm, loud, strict=True)))

    together = close_epoch(fold(Pool.fresh(BUDGET, pools=2), both), HOUR, torch.tensor([True, False]))
    alone = close_epoch(fold(Pool.fresh(BUDGET), calm), HOUR)

    assert together.table[:1].equal(alone.table)
    assert together.lines[:1].equal(alone.lines)
    assert together.open[1].sum() == fold(Pool.fresh(BUDGET), loud).open.sum()
    assert together.epoch.tolist() == [1, 0]


def test_the_parts_of_a_pool_are_all_that_it_remembers() -> None:
    pool = fold(after(Pool.fresh(BUDGET), 3, sample(4096, opened=True)), sample(100))

    again = Pool.fresh(BUDGET).with_parts(pool.parts())

    assert again.table.equal(pool.table)
    assert again.lines.equal(pool.lines)
    assert not Pool.fresh(BUDGET).fits({"closed": torch.zeros(BINS, dtype=torch.int64)})
