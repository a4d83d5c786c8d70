"""Complaints 10 and 12: the job of every morning, the peak that does not come, and a memory that follows the clock."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models import hours, rhythm
from models.calibration import habit
from models.column import State
from models.experts.season import Season
from models.experts.sight import Sight
from streamer.partition import Partition
from tests.complaints import lives
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import DAY, MINUTE, QUARTER, lived, noise
from tests.streamer.fleets import WHERE, judge

DAY_READINGS = 96
NOON = 12 * DAY_READINGS + 48


def mornings() -> np.ndarray:
    """Two weeks of quarters of an hour, with a job from six to seven each morning."""
    values = noise(14 * DAY_READINGS, size=0.5)
    values[np.arange(len(values)) % DAY_READINGS // 4 == 6] += 30
    return values


def by_no_hour(_: Tensor, state: State) -> Tensor:
    return torch.ones_like(state["rhythm_peak"])


def by_no_habit(surprise: Tensor, _: State) -> Tensor:
    return surprise


def test_10_the_job_of_every_morning_is_known_after_two(switch_off: SwitchOff) -> None:
    def alarms() -> list[int]:
        return [reading // DAY_READINGS for reading in lived(mornings(), QUARTER).opened_from(2 * DAY_READINGS)]

    assert alarms() == []
    switch_off(rhythm, "widening", by_no_hour)
    switch_off(habit, "tempered", by_no_habit)
    assert len(alarms()) >= 3


def test_10_what_is_usual_in_the_morning_is_not_at_noon(switch_off: SwitchOff) -> None:
    values = mornings()
    values[NOON] += 200

    def score() -> float:
        return float(lived(values, QUARTER).score[NOON])

    assert score() > 1
    switch_off(rhythm, "widening", by_no_hour)
    assert score() < 0.7


def without_a_peak(day: int) -> np.ndarray:
    """Days with a smooth peak at noon, but for one of them."""
    reading = np.arange((day + 1) * DAY_READINGS)
    peak = 10 * np.exp(-(((reading % DAY_READINGS) / 4 - 12) ** 2) / 8)
    return noise(len(reading)) + np.where(reading // DAY_READINGS < day, peak, 0.0)


def test_a_daily_peak_that_does_not_come_is_told_at_noon(switch_off: SwitchOff) -> None:
    day = 10

    def hours_after_midnight() -> list[float]:
        first = day * DAY_READINGS
        return [(reading - first) / 4 for reading in lived(without_a_peak(day), QUARTER).opened_from(3 * DAY_READINGS)]

    def nothing(_: Season, sight: Sight, __: State, from_now: Tensor) -> tuple[Tensor, Tensor]:
        zeros = sight.scale.new_zeros(*sight.scale.shape, len(from_now) - 1)
        return zeros, zeros

    [told] = hours_after_midnight()
    switch_off(Season, "seasonal", nothing)
    never = hours_after_midnight()

    assert 9 < told < 15
    assert never == []


def five_minutes(day: int, fifth: float) -> np.ndarray:
    """Readings each five minutes up to the end of a day, with a peak of an hour and a half at noon, but on that day."""
    reading = np.arange((day + 1) * 288)
    peak = 10 * np.exp(-((((reading % 288) / 12 - 12) / 1.5) ** 2) / 2)
    steps, values = noise(len(reading), level=0.0, size=fifth, seed=2), np.zeros(len(reading))
    for at in range(1, len(values)):
        values[at] = 0.7 * values[at - 1] + steps[at]
    return 50 + values + np.where(reading // 288 == day, 0.0, peak)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_peak_that_does_not_come_is_told_where_each_reading_follows_the_one_before(
    switch_off: SwitchOff, cell: str
) -> None:
    day = 15

    def told() -> list[float]:
        by = judge(cell, line=1e-4)
        opened = lived(five_minutes(day, 1.0), 5 * MINUTE, by=by).opened_from(4 * 288)
        return [(reading - day * 288) / 12 for reading in opened]

    [found] = told()
    switch_off(hours, "learn", lives.by_no_hour)

    assert 9 < found < 15
    assert told() == []


def usual_day(cadence_seconds: float) -> np.ndarray:
    """What is remembered of each hour after four days at this cadence."""
    partition = Partition(judge(), WHERE)
    hours = np.arange(0, 4 * DAY, cadence_seconds) / DAY * 24
    lived(50 + 10 * np.sin(hours * np.pi / 12), cadence_seconds, partition=partition)
    return partition.table.views["day"][1, 0].numpy().copy()


def test_12_memory_is_as_long_at_every_sample_rate(switch_off: SwitchOff) -> None:
    def difference() -> float:
        fine, coarse = usual_day(300.0), usual_day(1800.0)
        return float(np.abs(fine - coarse).max() / np.abs(coarse).max())

    assert difference() < 0.1
    of = Sight.of

    def in_steps(difference: Tensor, present: Tensor, steps: Tensor, calendar: Tensor, state: State) -> Sight:
        sight = of(difference, present, steps, calendar, state)
        return sight._replace(pace=torch.full_like(sight.pace, 1 / 48))

    switch_off(Sight, "of", in_steps)
    assert difference() > 0.3
