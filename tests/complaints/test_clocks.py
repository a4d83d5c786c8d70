"""Complaint 13: bursts of alarms on the two days a year on which the clock changes, and one switch for two things."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.calendar import calendar_of
from streamer.maintenance import Once
from streamer.partition import Partition
from tests.complaints.lives import DAY, lived, noise
from tests.streamer.fleets import WHERE, judge

BERLIN = "Europe/Berlin"
CHANGE = 20_541 * DAY + 3600.0  # 2026-03-29T01:00Z: two o'clock in Berlin is three
HOURS: NDArray[np.float64] = np.arange(-14.0 * 24, 4.0 * 24)  # from the change on


def early_shift(seed: int) -> np.ndarray:
    """A machine that works from six to seven every morning by the clock on the wall, hour by hour."""
    local = calendar_of(BERLIN).phases(((CHANGE + HOURS * 3600.0) * 1e9).astype(np.int64))[:, 0] * 24
    values: NDArray[np.float64] = noise(len(HOURS), size=0.5, seed=seed) + 10.0 * (np.round(local) == 6)
    return values


def alarms(time_zone: str, seed: int, partition: Partition | None = None) -> list[int]:
    """In which hours after the change of the clock alarms opened."""
    life = lived(early_shift(seed), HOURS * 3600.0, judge(time_zone=time_zone), partition, starts=CHANGE)
    return [int(HOURS[reading]) for reading in life.opened if HOURS[reading] >= 0]


def test_13_a_change_of_the_clock_brings_no_burst() -> None:
    assert [alarms(BERLIN, seed) for seed in range(2)] == [[], []]
    assert [alarms("UTC", seed)[:1] for seed in range(2)] == [[3], [3]]  # at four, and never before


@pytest.mark.parametrize(
    ("switches", "is_told", "is_learnt"),
    [({"mute": True, "learn": True}, False, True), ({"mute": False, "learn": False}, True, False)],
)
def test_13_results_are_muted_and_readings_left_unlearnt_by_switches_of_their_own(
    switches: dict[str, Any], is_told: bool, is_learnt: bool
) -> None:
    morning = Once(start="2026-03-29T03:30Z", end="2026-03-29T04:30Z", **switches)
    watched, plain = (
        Partition(judge(time_zone="UTC", maintenance=windows), WHERE) for windows in ([morning], [])
    )  # fmt: skip

    told, _ = (alarms("UTC", 0, partition) for partition in (watched, plain))

    last = [partition.table.views["day"][1] for partition in (watched, plain)]
    assert (3 in told) is is_told
    assert bool((last[0] == last[1]).all()) is is_learnt
