"""Counts how the state of partitions is kept: checkpoints written and read, readings stepped again."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from connectors.columns import TopicPartition
from streamer.calibration_metrics import CalibrationMetrics

ACTIONS = ("save", "load", "prune")
BOUNDS_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class StateMetrics:
    """A part of the daemon's metrics. ``counter``, ``gauge`` and ``histogram`` declare on its registry."""

    def __init__(
        self,
        groups: Iterable[str],
        counter: Callable[..., Counter],
        gauge: Callable[..., Gauge],
        histogram: Callable[..., Histogram],
    ) -> None:
        self.calibration = CalibrationMetrics(gauge)
        self._pause = histogram(
            "checkpoint_pause_duration_seconds", "Time the engine waits while state is copied.", BOUNDS_SECONDS
        )
        self._write = histogram(
            "checkpoint_write_duration_seconds", "Time a checkpoint takes to be written, beside the engine.",
            BOUNDS_SECONDS,
        )  # fmt: skip
        self._failures = counter(
            "checkpoint_failures_total", "Checkpoints that could not be saved, loaded or pruned.", "action"
        )
        partition = ("topic", "partition")
        self._bytes = gauge("checkpoint_bytes", "Size of the newest checkpoint of a partition.", *partition)
        self._offset = gauge("checkpoint_offset", "Next offset of the newest checkpoint of a partition.", *partition)
        self._time = gauge(
            "checkpoint_timestamp_seconds", "When the newest checkpoint of a partition was written, or restored.",
            *partition,
        )  # fmt: skip
        self._unsaved = gauge(
            "unsaved_records",
            "Records since the newest checkpoint: a crash would have them stepped again.",
            *partition,
        )
        self._interval = gauge("checkpoint_interval_seconds", "Time meant between two checkpoints of a partition.")
        self._silent = gauge(
            "silent_records", "Records that a restored partition steps again, without output, to catch up.", *partition
        )
        self._gone = counter("records_gone_total", "Records deleted before they were read.", *partition)
        self._replayed = counter("readings_replayed_total", "Readings stepped again without output.", "group")
        for action in ACTIONS:
            self._failures.labels(action)
        for group in groups:
            self._replayed.labels(group)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Measure how long the engine waits."""
        with self._pause.time():
            yield

    @contextmanager
    def write(self) -> Iterator[None]:
        """Measure a write, whatever comes of it."""
        with self._write.time():
            yield

    def saved(self, where: TopicPartition, next_offset: int, size_bytes: int) -> None:
        """Tell of a checkpoint that is durable."""
        labels = (where.topic, str(where.partition))
        self._bytes.labels(*labels).set(size_bytes)
        self._offset.labels(*labels).set(next_offset)
        self._time.labels(*labels).set(time.time())

    def restored(self, where: TopicPartition, next_offset: int, silent_until: int) -> None:
        """Tell where a partition begins, and how many offsets it is behind what the group has committed."""
        self._offset.labels(where.topic, str(where.partition)).set(next_offset)
        self._time.labels(where.topic, str(where.partition)).set(time.time())
        self.silent(where, silent_until - next_offset)

    def silent(self, where: TopicPartition, records: int) -> None:
        """Tell how many offsets a partition still steps without output."""
        self._silent.labels(where.topic, str(where.partition)).set(max(records, 0))

    def unsaved(self, where: TopicPartition, records: int) -> None:
        """Tell how many offsets a partition has come since its newest checkpoint."""
        self._unsaved.labels(where.topic, str(where.partition)).set(records)

    def interval(self, seconds: float) -> None:
        """Tell how often partitions are meant to be saved."""
        self._interval.set(seconds)

    def failed(self, action: str) -> None:
        """Count a checkpoint that could not be written or read: one of `ACTIONS`."""
        self._failures.labels(action).inc()

    def replayed(self, group: str, readings: int) -> None:
        """Count readings that were stepped again without output."""
        self._replayed.labels(group).inc(readings)

    def gone(self, where: TopicPartition, records: int) -> None:
        """Count offsets that were deleted before they were read."""
        self._gone.labels(where.topic, str(where.partition)).inc(records)

    def partition_left(self, where: TopicPartition) -> None:
        """Take the rows of a partition that is no longer ours off the page."""
        self.calibration.partition_left(where)
        for gauge in (self._bytes, self._offset, self._time, self._silent, self._unsaved):
            gauge.remove_by_labels({"topic": where.topic, "partition": str(where.partition)})
