"""Complaints 4 to 6: what comes after a time without data, and that there is none."""

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Silences
from models import detector
from streamer.partition import Partition
from streamer.silence import SilenceOptions
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import DAY, MINUTE, lived
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings


def test_04_a_series_that_comes_back_after_days_of_nothing_is_judged_at_once(switch_off: SwitchOff) -> None:
    def walked() -> np.ndarray:
        return 50 + np.cumsum(np.random.default_rng(3).normal(size=420))

    seconds: NDArray[np.float64] = np.arange(420.0) * MINUTE
    seconds[300:] += 3 * DAY
    values = walked()
    values[300:] += 12.0  # what a walk may do in three days, and hardly in a minute
    values[400] += 60

    def alarms() -> list[int]:
        return lived(values, seconds).opened_from(300)

    assert alarms() == [400]  # the fault a hundred readings later, and not the way that it went meanwhile
    switch_off(detector, "MAX_GAP_STEPS", 1.0)
    assert 300 in alarms()


def silences(after_seconds: float | None) -> list[str]:
    """Who is raised as silent of two sensors, one of which goes on."""
    options = None if after_seconds is None else SilenceOptions(after_seconds=after_seconds)
    partition = Partition(judge(silence=options), WHERE)
    partition.advance(readings(["dead", "alive"] * 50, list(np.repeat(np.arange(50.0), 2)), np.ones(100)))
    partition.advance(readings(["alive"] * 500, list(np.arange(50.0, 550.0)), np.ones(500), first_offset=100))
    raised: Silences | None = partition.fall_silent(partition.watermark)
    assert partition.watermark == 549 * SECOND_NS
    return [] if raised is None else raised.series.tolist()


def test_05_and_06_a_sensor_that_says_nothing_is_an_alarm_by_itself_and_not_at_its_return() -> None:
    assert silences(after_seconds=60) == ["dead"]
    assert silences(after_seconds=None) == []
