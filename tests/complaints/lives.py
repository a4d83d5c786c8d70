"""The life of series in one partition, told for the tests of what users of other detectors complain of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.column import State
from models.hours import Hour
from streamer.judge import Judge
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings

MINUTE = 60.0
QUARTER = 15 * MINUTE
DAY = 86_400.0
MONDAY = 4 * DAY  # 1970-01-05


@dataclass(frozen=True, slots=True)
class Life:
    """What was said of the readings of one series, in order."""

    score: NDArray[np.float64]  # (N,)
    warming: NDArray[np.bool_]  # (N,)
    is_anomalous: NDArray[np.bool_]  # (N,) an alarm is open
    opened: list[int]  # the reading of each alarm's opening
    closed: list[int]

    def opened_from(self, first: int) -> list[int]:
        """The alarms that opened at this reading or later."""
        return [reading for reading in self.opened if reading >= first]


def noise(count: int, level: float = 50.0, size: float = 1.0, seed: int = 0) -> NDArray[np.float64]:
    """A level and white noise."""
    return level + size * np.random.default_rng(seed).normal(size=count)


def lived(
    values: NDArray[np.float64],
    seconds: NDArray[np.float64] | float = MINUTE,
    by: Judge | None = None,
    partition: Partition | None = None,
    starts: float = MONDAY,
) -> Life:
    """One series from its first reading on, or further in a partition that is there already.

    values: (N,) or (N, C); seconds: the time of each, or the interval of all.
    """
    times = seconds if isinstance(seconds, np.ndarray) else np.arange(len(values)) * seconds
    columns = values.reshape(len(values), -1)
    partition = partition or Partition(by or judge(channels=columns.shape[1]), WHERE)
    progress = partition.advance(readings(["pump"] * len(values), list(starts + times), columns))
    place = {int(at): number for number, at in enumerate(((starts + times) * 1e9).astype(np.int64))}
    events: dict[str, list[int]] = {"opened": [], "closed": []}
    for alarms in progress.alarms:
        for event, at in zip(alarms.event, alarms.results.readings.timestamp.tolist(), strict=True):
            events[event].append(place[at])

    def joined(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(results, name) for results in progress.results])

    return Life(joined("anomaly_score"), joined("warming"), joined("is_anomalous"), **events)  # type: ignore[arg-type]


def by_no_hour(_: Tensor, __: Tensor, is_judged: Tensor, *___: Tensor | State) -> tuple[Hour, dict[str, Tensor]]:
    """What `hours.learn` is without: no hour is held against the pattern of the day."""
    return Hour.none(is_judged), {}


def returns_without(mechanism: Callable[[], None], complaint: Callable[[], bool]) -> bool:
    """Whether the complaint is justified once the mechanism that answers it is switched off, and was not before."""
    before = complaint()
    mechanism()
    return complaint() and not before
