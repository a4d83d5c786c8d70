"""Complaints 10 and 12: the job of every morning, and a memory whose length follows the sample rate."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models import rhythm
from models.column import State
from models.experts.sight import Sight
from streamer.partition import Partition
from tests.complaints.lives import DAY, QUARTER, lived, noise
from tests.streamer.fleets import WHERE, judge

WEEK = 7 * 96  # readings


def mornings(seed: int) -> np.ndarray:
    """Two weeks of quarters of an hour, with a job from six to seven each morning."""
    values = noise(2 * WEEK, size=0.5, seed=seed)
    hour = np.arange(len(values)) % 96 // 4
    values[hour == 6] += 30
    return values


def alarms_of_the_second_week() -> int:
    return len(lived(mornings(seed=0), QUARTER).opened_from(WEEK))


def test_10_the_job_of_every_morning_is_known_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_at_all(_: Tensor, state: State) -> Tensor:
        return torch.ones_like(state["rhythm_peak"])

    assert alarms_of_the_second_week() <= 1
    monkeypatch.setattr(rhythm, "widening", not_at_all)
    assert alarms_of_the_second_week() == 7


def test_10_a_job_that_is_ten_times_itself_is_still_told() -> None:
    values = mornings(seed=0)
    values[12 * 96 + 24 : 12 * 96 + 28] += 300

    assert lived(values, QUARTER).opened_from(WEEK) == [12 * 96 + 24]


def usual_day(cadence_seconds: float) -> np.ndarray:
    """What is remembered of each hour after four days at this cadence."""
    partition = Partition(judge(), WHERE)
    hours = np.arange(0, 4 * DAY, cadence_seconds) / DAY * 24
    lived(50 + 10 * np.sin(hours * np.pi / 12), cadence_seconds, partition=partition)
    return partition.table.views["day"][1, 0].numpy().copy()


def test_12_memory_is_as_long_at_every_sample_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def difference() -> float:
        fine, coarse = usual_day(300.0), usual_day(1800.0)
        return float(np.abs(fine - coarse).max() / np.abs(coarse).max())

    assert difference() < 0.1
    of = Sight.of

    def in_steps(difference: Tensor, present: Tensor, steps: Tensor, calendar: Tensor, state: State) -> Sight:
        sight = of(difference, present, steps, calendar, state)
        return sight._replace(pace=torch.full_like(sight.pace, 1 / 48))

    monkeypatch.setattr(Sight, "of", in_steps)
    assert difference() > 0.3
