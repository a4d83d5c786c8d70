"""Complaint 9 again: counts, states and coarse sensors do not alarm for being what they are, nor spend the budget."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from torch import Tensor

from models import hours, moves
from models.calibration import habit
from streamer.partition import Partition, Progress
from tests.complaints import lives as life
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import MINUTE
from tests.streamer.fleets import WHERE, judge, readings

SERIES, LENGTH, YOUNG = 64, 500, 200  # the first readings are those of series that nobody knows yet
MOST = 5  # alarms after that, where two are in the budget of 19,200 readings
MOST_YOUNG = 12  # before, where one is
SHAPE = (LENGTH, SERIES)

Make = Callable[[np.random.Generator], np.ndarray]
KINDS: dict[str, Make] = {
    "rare counts": lambda rng: rng.poisson(0.02, SHAPE).astype(float),
    "counts": lambda rng: rng.poisson(0.5, SHAPE).astype(float),
    "intermittent": lambda rng: np.where(rng.random(SHAPE) < 0.05, rng.exponential(10.0, SHAPE), 0.0),
    "a state that switches": lambda rng: (np.cumsum(rng.random(SHAPE) < 0.02, axis=0) % 2).astype(float),
    "a coarse last digit": lambda rng: np.round(20 + 0.3 * rng.normal(size=SHAPE)),
    "per cent near the bound": lambda rng: np.clip(98 + 1.5 * rng.normal(size=SHAPE), 0, 100),
}


def lived(values: np.ndarray) -> Progress:
    """What becomes of a fleet, a reading a minute. values: (T, S)."""
    names = [f"series-{number}" for number in range(SERIES)] * LENGTH
    seconds = np.repeat(np.arange(float(LENGTH)) * MINUTE, SERIES).tolist()
    return Partition(judge(line=1e-4), WHERE).advance(readings(names, seconds, values.reshape(-1, 1)))


def openings(progress: Progress) -> list[int]:
    """The number of the reading of its series at which each alarm opened."""
    return [
        int(at) // 60_000_000_000
        for alarms in progress.alarms
        for at, event in zip(alarms.results.readings.timestamp.tolist(), alarms.event, strict=True)
        if event == "opened"
    ]


def test_a_small_count_that_rises_is_told_within_two_hours(switch_off: SwitchOff) -> None:
    days, rng = 4 * 1440, np.random.default_rng(1)
    values = np.concatenate((rng.poisson(0.5, days), rng.poisson(2.0, 180))).astype(float)

    def told() -> tuple[list[int], list[int]]:
        """The alarms before the rise, of which the budget has .6, and after it."""
        opened = [reading - days for reading in life.lived(values, MINUTE, by=judge(line=1e-4)).opened]
        return [at for at in opened if at < 0], [at for at in opened if at >= 0]

    before, [after] = told()
    switch_off(hours, "learn", life.by_no_hour)

    assert len(before) <= 1
    assert after <= 120
    assert told()[1] == []


@cache
def came(kind: str) -> list[int]:
    """The openings of a fleet of one kind."""
    return openings(lived(KINDS[kind](np.random.default_rng(0))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_keeps_to_its_budget_whatever_kind_of_series_it_is_of(kind: str) -> None:
    assert sum(reading >= YOUNG for reading in came(kind)) <= MOST


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_that_is_new_does_not_alarm_for_what_it_will_turn_out_to_be(kind: str) -> None:
    assert sum(reading < YOUNG for reading in came(kind)) <= MOST_YOUNG


def test_without_a_measure_of_first_moves_a_new_fleet_storms(switch_off: SwitchOff) -> None:
    switch_off(moves, "FIRST", 1e3)  # of decades: the forecast alone judges it

    assert len(openings(lived(KINDS["a coarse last digit"](np.random.default_rng(0))))) > 2 * MOST_YOUNG


def score_of_a_spike() -> float:
    """Of twenty standard deviations, at the end of one series among others of which a third are none that is smooth."""
    rng = np.random.default_rng(1)
    values = 20 + rng.normal(size=SHAPE)
    for first, kind in enumerate(("rare counts", "intermittent", "a state that switches")):
        odd = slice(1 + 7 * first, 8 + 7 * first)
        values[:, odd] = KINDS[kind](rng)[:, odd]
    values[-1, 0] += 20
    return float(lived(values).results[-1].anomaly_score[-SERIES])


def test_series_that_are_far_out_all_the_time_do_not_hide_a_fault_of_the_others(
    switch_off: SwitchOff,
) -> None:
    def as_it_is(surprise: Tensor, *_: object) -> Tensor:
        return surprise

    found = score_of_a_spike()
    switch_off(moves, "tempered", as_it_is)
    switch_off(habit, "tempered", as_it_is)
    hidden = score_of_a_spike()

    assert hidden < 1 < found
