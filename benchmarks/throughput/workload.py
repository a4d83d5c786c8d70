"""The readings that throughput is measured with: seeded, every series in turn."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from connectors.columns import Float64, Int64, Readings, Records, TopicPartition
from connectors.memory import records_of

GROUP = "bench"
SOURCE = TopicPartition("readings", 0)
MAX_BATCH_READINGS = 5_000  # the daemon's own max_poll_records
WARM_UP_LAPS, WARM_UP_READINGS = 13, 2_000_000  # at most: steps that keep coming are machine code by then
READINGS_A_SERIES = 500  # at most: a lone series pays a whole padded tile for every reading
_START_NS = 1_767_225_600_000_000_000  # 2026-01-01, a reading a second of every series
_SECOND_NS = 1_000_000_000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """How many readings of how many series, the first of which only warm up."""

    series: int
    readings: int  # of one repetition
    repetitions: int

    @staticmethod
    def of(series: int, readings: int, repetitions: int) -> "Plan":
        """``readings``, or fewer where series are few, or more, so that each series occurs twice."""
        return Plan(series, max(min(readings, READINGS_A_SERIES * series), 2 * series), repetitions)

    @property
    def batch_readings(self) -> int:
        """What one poll returns at most."""
        return min(self.readings, MAX_BATCH_READINGS)

    @property
    def warm_up(self) -> int:
        """Readings before the first repetition: all that is slow once, or a few dozen times, is over by then."""
        return max(self.series, min(WARM_UP_LAPS * self.readings, WARM_UP_READINGS))

    @property
    def total(self) -> int:
        """Readings of the warm-up and of all repetitions."""
        return self.warm_up + self.repetitions * self.readings

    def laps(self) -> list[tuple[int, int]]:
        """The span of readings of each repetition, as (start, stop)."""
        starts = range(self.warm_up, self.total, self.readings)
        return [(start, start + self.readings) for start in starts]

    def batches(self, start: int, stop: int) -> list[tuple[int, int]]:
        """A span, cut into batches."""
        starts = range(start, stop, self.batch_readings)
        return [(first, min(first + self.batch_readings, stop)) for first in starts]


class Workload:
    """Reading i belongs to series ``i % series``: a level of its own, a slow wave and noise, in every channel alike."""

    def __init__(self, series: int, channels: int = 1) -> None:
        rng = np.random.default_rng(_SEED)
        self._names = np.array([f"series-{number:05d}" for number in range(series)], dtype=object)
        self._channels = channels
        self._level = rng.normal(20.0, 5.0, series)
        self._phase = rng.uniform(0.0, 2 * np.pi, series)

    def readings(self, start: int, stop: int) -> Readings:
        """Readings start…stop-1, at the offsets of the same numbers. N = stop - start."""
        number, series, timestamp, values = self._columns(start, stop)
        return Readings(
            group=GROUP,
            topic_partition=SOURCE,
            series=self._names[series],
            offset=number,
            index=np.zeros_like(number),
            timestamp=timestamp,
            values=np.repeat(values[:, None], self._channels, axis=1),
            present=np.ones((len(number), self._channels), dtype=np.bool_),
        )

    def records(self, start: int, stop: int) -> Records:
        """The same readings as records of JSON, of one channel."""
        return records_of(SOURCE, self.rows(start, stop), first_offset=start)

    def rows(self, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        """The same readings as (key, value): 12 bytes and about 38."""
        for first in range(start, stop, MAX_BATCH_READINGS):
            _, series, timestamp, values = self._columns(first, min(first + MAX_BATCH_READINGS, stop))
            for name, time_ns, value in zip(self._names[series], timestamp.tolist(), values.tolist(), strict=True):
                yield name.encode(), b'{"t":%d,"value":%.6f}' % (time_ns // 1_000_000, value)

    def _columns(self, start: int, stop: int) -> tuple[Int64, Int64, Int64, Float64]:
        """Number, series, timestamp and value of each reading, (N,) each."""
        number = np.arange(start, stop)
        tick, series = np.divmod(number, len(self._names))
        noise = np.random.default_rng((_SEED, start)).normal(0.0, 0.2, len(number))
        values = self._level[series] + np.sin(tick * (2 * np.pi / 300) + self._phase[series]) + noise
        return number, series, _START_NS + tick * _SECOND_NS, values
