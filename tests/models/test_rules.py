"""What is asked of a channel decides what may alarm, and nothing else."""

import math

import pytest
import torch
from torch import Tensor

from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.outcome import Outcome
from models.rules import CERTAIN, ONE_TAIL, Direction, Rule, Rules
from models.transform import Transform

ROWS = 32


def row(*numbers: float) -> Tensor:
    return torch.tensor([numbers], dtype=torch.float64)


def levels(last: Tensor, near_gap: Tensor) -> dict[str, Tensor]:
    """State of channels with a far level at the last value, and a near one and the hour so far from what is usual."""
    gap = near_gap.float()
    return {"last": last, "near_gap": gap, "far_gap": torch.zeros_like(gap), "hour_gap": gap}


@pytest.mark.parametrize(
    ("rule", "deviations", "alarming"),
    [
        (Rule(), [3, -3, 0.1], [5, 5, 5]),
        (Rule(direction=Direction.UP), [3, -3, 0], [5 + ONE_TAIL, 0, 5 + ONE_TAIL]),
        (Rule(direction=Direction.DOWN), [3, -3, 0], [0, 5 + ONE_TAIL, 5 + ONE_TAIL]),
        (Rule(min_absolute=2), [2, -2, 1.99], [5, 5, 0]),
        (Rule(min_relative=0.1), [5, -5, 4.9], [5, 5, 0]),
        (Rule(min_absolute=7, min_relative=0.1), [6, -7, 5], [0, 5, 0]),
        (Rule(direction=Direction.UP, min_absolute=2), [3, -3, 1], [5 + ONE_TAIL, 0, 0]),
    ],
)
def test_only_a_deviation_that_is_asked_about_may_alarm(
    rule: Rule, deviations: list[float], alarming: list[float]
) -> None:
    expected, nowhere = row(-50, -50, -50), torch.zeros(1, 3, dtype=torch.bool)

    asked = Rules((rule,)).asked(
        expected + row(*deviations), expected, nowhere, torch.ones(1, 3).long(), levels(row(0, 0, 0), row(0, 0, 0))
    )

    assert asked is not None
    torch.testing.assert_close(asked.alarming(torch.full((1, 3), 5.0)), row(*alarming).float())


@pytest.mark.parametrize(
    ("rule", "risen", "fallen"),
    [
        (Rule(), [True, True, True], [True, True, True]),
        (Rule(direction=Direction.UP), [True, True, True], [False, False, False]),
        (Rule(min_absolute=2), [True, False, False], [False, False, True]),
        (Rule(direction=Direction.DOWN, min_absolute=2), [False, False, False], [False, False, True]),
    ],
)
def test_a_level_has_risen_or_fallen_where_by_enough_and_asked_about(
    rule: Rule, risen: list[bool], fallen: list[bool]
) -> None:
    zeros, nowhere = row(0, 0, 0), torch.zeros(1, 3, dtype=torch.bool)

    asked = Rules((rule,)).asked(zeros, zeros, nowhere, torch.ones(1, 3).long(), levels(zeros, row(2, 1, -3)))

    assert asked is not None
    assert asked.has_risen.tolist() == [risen]
    assert asked.has_fallen.tolist() == [fallen]
    assert asked.is_above_day.tolist() == [risen]
    assert asked.is_below_day.tolist() == [fallen]


@pytest.mark.parametrize(("value", "is_enough"), [(49.0, False), (0.0, False), (131.0, True), (-31.0, False)])
def test_the_way_back_from_a_dip_is_no_rise(value: float, is_enough: bool) -> None:
    rules, nowhere = Rules((Rule(direction=Direction.UP),)), torch.zeros(1, 1, dtype=torch.bool)

    asked = rules.asked(row(value), row(-10), nowhere, torch.ones(1, 1).long(), levels(row(-30), row(80)))  # from 50

    assert asked is not None
    assert asked.is_enough.item() is is_enough


def test_a_value_is_impossible_outside_its_valid_range_alone() -> None:
    rules, present = Rules((Rule(lowest=0, highest=10),)), torch.tensor([[True, True, True, True, False]])

    impossible = rules.impossible(row(-0.1, 0, 10, 10.1, -5), present, torch.tensor([[1, 1, 1, 1, 1]]))

    assert impossible.tolist() == [[True, False, False, True, False]]
    assert not rules.impossible(row(-0.1), present[:, :1], torch.tensor([[0]])).any()  # nothing was asked of it


def life(
    values: Tensor,
    rules: tuple[Rule, ...] = (),
    number: int = 1,
    present: Tensor | None = None,
    transform: Transform = Transform.NONE,
) -> tuple[list[Outcome], dict[str, Tensor]]:
    """What comes of readings of one channel that many rows have, one a minute. values, present: (T,)."""
    options = DetectorOptions(transforms=(transform,), rules=rules)
    detector, pool = Detector(load(shipped("gru")).forecaster, options), Pool.fresh(Budget(1000))
    state, said = fresh_state(detector.columns, ROWS), []
    with torch.inference_mode():
        for place, value in enumerate(values):
            seconds = torch.full((ROWS,), 60.0 if place else math.nan)
            context = Context.of(seconds, torch.zeros(ROWS, 2))._replace(rule=torch.full((ROWS, 1), number))
            is_there = torch.full((ROWS, 1), bool(present is None or present[place]))
            outcome, state = detector.step(value.expand(ROWS, 1).contiguous(), is_there, context, state, pool)
            said.append(outcome)
    return said, state


def noise(count: int, seed: int = 0) -> Tensor:
    return 50 + torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_value_that_cannot_be_alarms_for_certain_and_leaves_the_state_of_an_absent_one() -> None:
    values = noise(80)
    values[60:63] = -999.0
    there = torch.ones(80, dtype=torch.bool)
    there[60:63] = False

    said, state = life(values, (Rule(lowest=0),))
    _, expected = life(values, present=there)

    assert said[60].opened[:, 0].all()
    assert (said[60].evidence == CERTAIN).all()
    assert (said[60].value == -999).all()
    assert not said[60].sample.opened.any()  # it is no matter of chance, so no pool counts it
    assert torch.equal(*said[60].sample.climb.unbind(-1))
    for name in expected.keys() - {"alarm_score", "alarm_peak", "alarm_calm"}:
        torch.testing.assert_close(state[name], expected[name], rtol=0, atol=0, equal_nan=True, msg=name)


def test_an_alarm_stays_open_as_long_as_its_value_cannot_be() -> None:
    values = noise(90)
    values[60:80] = -999.0

    said, _ = life(values, (Rule(lowest=0),))

    assert [bool(outcome.opened[0, 0]) for outcome in said].count(True) == 1
    assert said[79].is_open[:, 0].all()
    assert said[89].closed[:, 0].any() or not said[89].is_open[:, 0].any()


def test_the_valid_range_is_that_of_the_values_as_they_come() -> None:
    values = noise(60)
    values[50] = -1.0  # of which there is no logarithm

    said, _ = life(values, (Rule(lowest=0),), transform=Transform.LOG_RETURN)

    assert said[50].opened[:, 0].all()
    assert said[50].value.isnan().all()
    assert said[50].novelty.isfinite().all()
    assert not said[51].opened.any()  # and the return after it is that since the value before


def test_what_is_asked_of_others_changes_no_bit() -> None:
    values = noise(60)
    values[50] += 30

    said, state = life(values, (Rule(direction=Direction.UP, min_absolute=1e9, lowest=1e9),), number=0)
    expected, expected_state = life(values)

    for ours, theirs in zip(said, expected, strict=True):
        for name, column in ours._asdict().items():
            torch.testing.assert_close(column, getattr(theirs, name), rtol=0, atol=0, equal_nan=True, msg=name)
    for name, column in state.items():
        torch.testing.assert_close(column, expected_state[name], rtol=0, atol=0, equal_nan=True, msg=name)


def test_the_pool_counts_the_surprise_that_nobody_asked_about_and_the_climb_of_what_may_open() -> None:
    values = noise(60)
    values[50] += 30

    [quiet], [loud] = (life(values, rules)[0][50:51] for rules in ((Rule(direction=Direction.DOWN),), ()))

    assert loud.opened[:, 0].all()
    assert not quiet.opened.any()
    assert (quiet.anomaly_score == 0).all()
    assert torch.equal(quiet.joint_surprise, loud.joint_surprise)  # and so the p-value that people read
    assert loud.sample.climb[:, 0, 1].min() > quiet.sample.climb.max() == 0
    for name in ("signed", "is_counted", "score", "score_before", "is_judged"):
        assert torch.equal(getattr(quiet.sample, name), getattr(loud.sample, name)), name


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        (Rule(), True),
        (Rule(direction=Direction.UP), True),
        (Rule(direction=Direction.DOWN), False),
        (Rule(min_absolute=1), True),
        (Rule(min_absolute=40), False),
    ],
)
def test_a_change_of_the_level_is_told_to_the_side_and_of_the_size_that_is_asked_about(
    rule: Rule, is_told: bool
) -> None:
    values = noise(120)
    values[80:] += 5

    said, _ = life(values, (rule,))

    changes = torch.stack([outcome.opened[:, 1] for outcome in said])
    assert bool(changes[80:].any()) is is_told
    assert not changes[:80].any()


def test_a_stuck_channel_has_no_direction() -> None:
    values = noise(220)
    values[60:] = values[59]

    said, _ = life(values, (Rule(direction=Direction.UP, min_absolute=10),))

    assert any(outcome.opened[:, 1].all() for outcome in said[60:])
