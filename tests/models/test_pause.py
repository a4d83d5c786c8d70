"""Readings that are not learnt from are judged, and are a gap to everything that learns."""

import math

import torch
from torch import Tensor

from models import alarm
from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions

ROWS = 32
DETECTOR = Detector(load(shipped("gru")).forecaster, DetectorOptions())
POOL = Pool.fresh(Budget(1000))


def step(
    value: float, seconds: float, learns: Tensor | None, state: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """-> the anomaly score and the state after it."""
    context = Context.of(torch.full((ROWS,), seconds), torch.zeros(ROWS, 2))._replace(learns=learns)
    values, present = torch.full((ROWS, 1), value, dtype=torch.float64), torch.ones(ROWS, 1, dtype=torch.bool)
    with torch.inference_mode():
        outcome, state = DETECTOR.step(values, present, context, state, POOL)
    return outcome.anomaly_score, state


def calm() -> dict[str, Tensor]:
    state = fresh_state(DETECTOR.columns, ROWS)
    for value in torch.randn(60, generator=torch.Generator().manual_seed(0)).tolist():
        _, state = step(50 + value, 60.0, None, state)
    return state


def test_an_unlearnt_reading_changes_alarms_and_the_time_since_and_nothing_else() -> None:
    before, no = calm(), torch.zeros(ROWS, dtype=torch.bool)

    score, after = step(500.0, 60.0, no, before)

    assert (score > 1).all()
    assert after["alarm_score"][:, 0].all()
    changed = {name for name, column in after.items() if not column.allclose(before[name], 0, 0, equal_nan=True)}
    assert changed <= {column.name for column in alarm.columns()} | {"paused_seconds"}
    assert (after["paused_seconds"] == 60).all()


def test_the_first_reading_after_unlearnt_ones_comes_as_after_a_gap() -> None:
    before, no = calm(), torch.zeros(ROWS, dtype=torch.bool)
    paused = before
    for _ in range(5):
        _, paused = step(50.0, 60.0, no, paused)

    score, after = step(55.0, 60.0, None, paused)
    expected_score, expected = step(55.0, 360.0, None, before)

    assert torch.equal(score, expected_score)
    for name in expected.keys() - {column.name for column in alarm.columns()}:
        torch.testing.assert_close(after[name], expected[name], rtol=0, atol=0, equal_nan=True, msg=name)


def test_rows_learn_or_not_each_for_itself() -> None:
    before, some = calm(), torch.arange(ROWS) % 2 == 0

    _, after = step(60.0, 60.0, some, before)
    _, learnt = step(60.0, 60.0, None, before)

    for name, column in after.items():
        torch.testing.assert_close(column[some], learnt[name][some], rtol=0, atol=0, equal_nan=True, msg=name)
    assert torch.equal(after["last"][~some], before["last"][~some])


def test_a_series_that_begins_unlearnt_still_has_a_first_reading() -> None:
    no = torch.zeros(ROWS, dtype=torch.bool)
    _, paused = step(50.0, math.nan, no, fresh_state(DETECTOR.columns, ROWS))

    _, after = step(51.0, 60.0, None, paused)

    assert after["log_interval"].isnan().all()
    assert (after["paused_seconds"] == 0).all()
