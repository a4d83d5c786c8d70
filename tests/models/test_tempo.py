"""The pace of a series: its running median interval."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from models import tempo
from models.column import fresh_state


def learnt(intervals: list[float]) -> dict[str, Tensor]:
    state = fresh_state(tempo.columns(), 1)
    for seconds in [math.nan, *intervals]:
        state = tempo.update(torch.tensor([seconds]), state)
    return state


def steps(seconds: float, intervals: list[float]) -> float:
    return float(tempo.elapsed_steps(torch.tensor([seconds]), learnt(intervals)))


@pytest.mark.parametrize("cadence", [0.01, 1.0, 900.0, 86_400.0])
def test_time_is_counted_in_the_series_own_steps(cadence: float) -> None:
    assert steps(3 * cadence, [cadence] * 20) == pytest.approx(3, rel=0.05)


def test_closed_hours_do_not_change_the_pace() -> None:
    intervals = ([60.0] * 389 + [63_000.0]) * 3

    assert steps(60.0, intervals) == pytest.approx(1, rel=0.15)


def test_the_pace_of_jittered_readings_is_their_median() -> None:
    intervals = np.random.default_rng(0).gamma(4, 2.5, 2000)

    assert steps(float(np.median(intervals)), intervals.tolist()) == pytest.approx(1, rel=0.25)


def test_a_series_that_slows_down_is_followed() -> None:
    assert steps(600.0, [60.0] * 100 + [600.0] * 200) == pytest.approx(1, rel=0.1)


def test_without_an_interval_a_step_is_one() -> None:
    assert steps(5.0, []) == 1
    assert steps(math.nan, [10.0]) == 1


def test_readings_of_one_instant_teach_no_interval() -> None:
    assert steps(10.0, [10.0, 0.0, 0.0, 0.0]) == pytest.approx(1, rel=0.01)
    assert steps(0.0, [10.0]) == 0
