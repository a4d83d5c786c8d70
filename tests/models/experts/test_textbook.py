"""Every expert equals its slow textbook form."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.column import fresh_state
from models.experts.bank import EXPERTS, Bank, Tier
from models.experts.direct import Direct
from models.experts.season import Season
from models.experts.slots import Matured, Slots
from tests.models.experts import textbook
from tests.models.experts.banks import Along, along, sight_of
from tests.models.walks import walk

HORIZONS = (1, 5, 12, 20)


DAY, WEEK = 48, 336  # readings


@cache
def taken_along(tier: Tier) -> Along:
    """The bank of a tier along one series, a reading every half hour for nine days."""
    return along(Bank(tier, HORIZONS), walk(9 * DAY, rows=1, seed=5, cadence_seconds=1800.0))


@pytest.fixture(params=list(Tier))
def run(request: pytest.FixtureRequest) -> Along:
    return taken_along(request.param)


@pytest.fixture
def rich() -> Along:
    return taken_along(Tier.RICH)


def said(run: Along, expert: str) -> Tensor:
    """What an expert said after each reading, in raw units. -> (T, K)."""
    which = run.bank.experts.index(expert)
    return torch.stack([(view.offsets[..., which] * view.unit)[0, 0] for view in run.views])


def close(ours: Tensor, theirs: list[list[float]], run: Along, within: float) -> None:
    """Assert that forecasts differ by less than this share of the running scale."""
    scale = torch.stack([sight.scale[0] for sight in run.sights])
    assert ((ours - torch.tensor(theirs)).abs() / scale).max() < within


def changes_told(run: Along, input_: int) -> Tensor:
    """What direct is told by one of its inputs, in raw units. -> (T, K)."""
    return torch.stack([(view.inputs[..., input_] * view.unit)[0, 0] for view in run.views])


@pytest.mark.parametrize(("expert", "memory"), [("ewma4", 4), ("ewma32", 32)])
def test_levels_are_exponential_means(rich: Along, expert: str, memory: int) -> None:
    gaps = list(textbook.mean_gaps(rich.values, memory))

    close(said(rich, expert), [[gap] * len(HORIZONS) for gap in gaps], rich, within=1e-4)


def test_both_tiers_have_the_same_of_the_compact_one(rich: Along) -> None:
    compact = taken_along(Tier.COMPACT)

    for expert in EXPERTS:
        are_equal = torch.equal(said(compact, expert), said(rich, expert))
        assert are_equal == (expert != "direct"), expert  # which is told more in the rich tier


def test_yule_walker_solves_its_equations(run: Along) -> None:
    reference, expected = textbook.YuleWalker(), []
    for sight in run.sights:
        scale = float(sight.scale[0, 0])
        reference.learn(float(sight.difference[0, 0]), scale)
        expected.append([reference.moved(h) * scale for h in HORIZONS])

    close(said(run, "yule_walker"), expected, run, within=1e-3)


@pytest.mark.parametrize(("expert", "bins", "cycle", "input_"), [("day", 24, DAY, 5), ("week", 168, WEEK, 6)])
def test_a_season_is_bins_around_a_slow_mean(rich: Along, expert: str, bins: int, cycle: int, input_: int) -> None:
    reference, expected, changes = textbook.Season(bins, cycle), [], []
    for y, sight in zip(rich.values, rich.sights, strict=True):
        phase = float(sight.phase[0, 0 if expert == "day" else 1])
        reference.learn(y, phase, float(sight.scale[0, 0]))
        ahead = [((phase + h / cycle) % 1.0, h) for h in HORIZONS]
        expected.append([reference.moved(then, h) for then, h in ahead])
        changes.append([reference.change(then, phase, h) for then, h in ahead])

    told = rich._replace(sights=rich.sights[2:])  # how long a step takes is known from the second reading on
    close(said(rich, expert)[2:], expected[2:], told, within=1e-2)
    close(changes_told(rich, input_)[2:], changes[2:], told, within=1e-2)


def test_seasonal_is_the_value_a_period_before_and_its_change(rich: Along) -> None:
    reference, values, periods = textbook.Cycle(day=DAY), rich.values, set()
    expected, changes = [], []
    for n, y in enumerate(values):
        reference.learn(y)
        period = reference.period
        periods.add(period)
        then = [values[n - (period * math.ceil(h / period) - h)] if period else y for h in HORIZONS]
        expected.append([value - y for value in then])
        changes.append([value - values[n - period] if period else 0.0 for value in then])

    assert {0, DAY} <= periods  # and what else noise has for a period
    close(said(rich, "seasonal"), expected, rich, within=1e-4)
    close(said(rich, "seasonal_change"), changes, rich, within=1e-4)
    close(changes_told(rich, 7), changes, rich, within=1e-4)


def test_together_are_all_by_the_eighth_power_of_their_errors(run: Along) -> None:
    expected = []
    for view in run.views:
        errors, offsets, unit = (part[0, 0].double().numpy() for part in (view.log_errors, view.offsets, view.unit))
        weight = np.exp(errors[:, :-1]) ** -8.0
        expected.append((unit * (weight * offsets[:, :-1]).sum(-1) / weight.sum(-1)).tolist())

    close(said(run, "together"), expected, run, within=1e-3)


def test_direct_learns_each_horizon_from_what_it_saw_so_long_ago(run: Along) -> None:
    references = {h: textbook.Direct(run.bank.direct.inputs) for h in HORIZONS}
    pending, expected = textbook.Pending(HORIZONS), []
    for n, (y, view) in enumerate(zip(run.values, run.views, strict=True)):
        for h, kept in pending.due(n).items():
            x, unit, before = kept
            k = HORIZONS.index(h)
            references[h].learn(x[k], (y - before) / unit[k])
        x, unit = view.inputs[0, 0].double().numpy(), view.unit[0, 0].double().numpy()
        pending.keep(n, (x, unit, y))
        expected.append([float(references[h].weights @ x[k] * unit[k]) for k, h in enumerate(HORIZONS)])

    close(said(run, "direct"), expected, run, within=1e-3)


def test_the_inputs_of_direct_are_moves_gaps_and_the_seasons_change(run: Along) -> None:
    gaps = [list(textbook.mean_gaps(run.values, memory)) for memory in (4, 32, 256)]
    n = 250
    view, sight = run.views[n], run.sights[n]
    scale, y = float(sight.scale[0, 0]), run.values

    for k, horizon in enumerate(HORIZONS):
        unit = scale * horizon**0.4
        expected = [(y[n] - y[n - 1]) / unit, *(gap[n] / unit for gap in gaps)]
        assert view.inputs[0, 0, k, :4].tolist() == pytest.approx(np.clip(expected, -8, 8), abs=1e-4)


def test_errors_are_plain_means_until_they_forget(run: Along) -> None:
    horizons = {1: 1e-3, 5: 1e-3, 12: 4e-3}  # the last one comes round unevenly
    means, counts = {h: np.zeros(len(run.bank.experts)) for h in horizons}, dict.fromkeys(horizons, 0)
    pending = textbook.Pending(tuple(horizons))
    for n, (y, view) in enumerate(zip(run.values, run.views, strict=True)):
        for h, kept in pending.due(n).items():
            offsets, unit, before = kept
            k = HORIZONS.index(h)
            usual = max(unit[k], float(view.unit[0, 0, k]), means[h][-1])  # the last one is all of them together
            error = np.minimum(abs(before + offsets[k] - y), 20 * usual)
            counts[h] += 1
            rate = np.full(len(error), max(1 / counts[h], 0.012))
            if n >= 48:  # the day's expert has seen a whole one
                since = (n + 1 - 48) * float(run.bank.slots.pace[k])
                rate[run.bank.experts.index("day")] = max(1 / counts[h], 0.012, 1 / (since + 4))
            means[h] += rate * (error - means[h])
        offsets = (view.offsets * view.unit.unsqueeze(-1))[0, 0].double().numpy()
        pending.keep(n, (offsets, view.unit[0, 0].double().numpy(), y))

    for h, within in horizons.items():
        ours = run.state["errors"][0, 0, HORIZONS.index(h)]
        assert ours.tolist() == pytest.approx(means[h].tolist(), rel=within)


def test_direct_is_least_squares_with_a_ridge_that_fades() -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((60, 5)), rng.standard_normal(60)
    direct = Direct(5)
    state = fresh_state(direct.columns(1, 1), 1)
    due = torch.ones(1, 1, 1, dtype=torch.bool)
    for inputs, moved in zip(x, target, strict=True):
        kept = torch.tensor([*inputs, 1.0], dtype=torch.float32).view(1, 1, 1, 6)
        state = direct.learn(Matured(due, torch.tensor(moved).float().view(1, 1, 1), kept), due, state)

    weight = 0.998 ** np.arange(59, -1, -1)
    ridge = 0.998**60 * np.eye(5)
    expected = np.linalg.solve((x.T * weight) @ x + ridge, (x.T * weight) @ target)
    np.testing.assert_allclose(state["direct_weights"].flatten(), expected, atol=1e-4)


def test_the_covariance_of_direct_grows_no_farther_where_nothing_moves() -> None:
    direct, reference = Direct(5), textbook.Direct(5)
    state = fresh_state(direct.columns(1, 1), 1)
    due = torch.ones(1, 1, 1, dtype=torch.bool)
    x = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    for _ in range(400):
        kept = torch.tensor([*x, 1.0], dtype=torch.float32).view(1, 1, 1, 6)
        state = direct.learn(Matured(due, torch.ones(1, 1, 1), kept), due, state)
        reference.learn(x, 1.0)

    assert np.trace(reference.covariance) == pytest.approx(8)
    covariance = direct.square(state["direct_covariance"])[0, 0, 0]
    np.testing.assert_allclose(covariance, reference.covariance, rtol=1e-3, atol=1e-4)


def test_a_season_is_its_formula_at_every_cadence() -> None:
    cadences = torch.tensor([1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 25_200.0, 86_400.0])
    rng = torch.Generator().manual_seed(1)
    values = torch.randn(200, len(cadences), 1, generator=rng, dtype=torch.float64) * 3 + 20
    start = torch.rand(len(cadences), generator=rng, dtype=torch.float64)
    ours = Season("day", 24, 0)
    state = fresh_state(ours.columns(1), len(cadences))
    theirs = [textbook.Season(24, max(86_400 / float(cadence), 1)) for cadence in cadences]
    before = values[0]
    for n, value in enumerate(values):
        phase = ((start + n * cadences.double() / 86_400) % 1.0).float()
        age = torch.full((len(cadences), 1), n + 1.0)
        pace = (cadences / 86_400).unsqueeze(-1).expand(-1, 2)
        sight = sight_of(
            value, difference=(value - before).float(), age=age, share=1 / age, phase=phase.unsqueeze(-1), pace=pace
        )
        state, before = ours.learn(sight, state), value
        for row, reference in enumerate(theirs):
            reference.learn(float(value[row]), float(phase[row]), 1.0)

    expected = np.stack([reference.usual for reference in theirs])
    np.testing.assert_allclose(state["day"].squeeze(1), expected, atol=2e-3)
    np.testing.assert_allclose(state["day_gap"].squeeze(1), [r.mean - r.y for r in theirs], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(2, 100), max_size=3, unique=True))
def test_whatever_is_read_was_written_a_horizon_ago(further: list[int]) -> None:
    horizons = (1, *further)
    slots, pending = Slots(horizons, 1), textbook.Pending(horizons)
    state = fresh_state(slots.columns(1), 1)
    for n in range(150):
        value = torch.tensor([[n * 0.5]], dtype=torch.float64)
        sight = sight_of(value, difference=torch.full((1, 1), 0.5), age=torch.full((1, 1), n + 1.0))

        matured = slots.read(sight, state)

        due = pending.due(n)
        assert matured.is_due.flatten().tolist() == [h in due for h in horizons]
        for k, h in enumerate(horizons):
            if h in due:
                assert float(matured.kept[0, 0, k, 0]) == due[h] == n - h
                assert float(matured.moved[0, 0, k]) == 0.5 * h
        state = {**state, **slots.write(sight, torch.full((1, 1, len(horizons), 1), float(n)), state)}
        pending.keep(n, n)


@pytest.mark.parametrize("horizon", [9, 12, 24, 60, 96, 168])
def test_no_season_is_judged_in_some_of_its_phases_alone(horizon: int) -> None:
    """With a period of its horizon, one a day ahead would be judged at the same hours every day."""
    slots = Slots((horizon,), 1)
    turn = torch.arange(20_000).unsqueeze(-1)

    judged = (turn % slots.periods == slots.reads).any(-1).nonzero()

    for cycle in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 24, 30, 48, 60, 96, 168):
        assert set((judged % cycle).flatten().tolist()) == set(range(cycle)), cycle
