"""A group: the series of one configured stream, over all the source partitions that are ours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Alarms, Readings, Reason, Records, Rejects, Results, TopicPartition
from connectors.decode import Decoder
from streamer import order, snapshot
from streamer.checkpoint import Checkpoint
from streamer.judge import Judges
from streamer.newest import Newest
from streamer.partition import Partition, Progress
from streamer.phases import Phases


@dataclass(frozen=True, slots=True)
class Batch:
    """What the records of one partition came to."""

    read: int  # readings, the rejected ones among them
    results: list[Results]
    alarms: list[Alarms]
    rejects: list[Rejects]
    epochs_closed: int


class Group:
    """The partitions of one group, each with its state, and the decoder they share."""

    def __init__(
        self,
        holds: Callable[[str], bool],
        decoder: Decoder,
        judges: Judges,
        phases: Phases,
        clock: Callable[[], float],
    ) -> None:
        self.holds = holds  # whether a topic is one of the group's
        self.judges = judges
        self.partitions: dict[TopicPartition, Partition] = {}
        self.newest: dict[TopicPartition, Newest] = {}
        self.homes: dict[str, TopicPartition] = {}  # where a series was seen first
        self.splits = 0  # series that showed up in a second partition
        self._splits_told = 0
        self._decoder = decoder
        self._phases = phases
        self._clock = clock

    @property
    def name(self) -> str:
        """The group's name in the configuration."""
        return self.judges.group

    def open(self, where: TopicPartition, checkpoint: Checkpoint | None = None) -> Partition:
        """A partition that is ours from now on, as the checkpoint has it, or without any state.

        Raises:
            StateError: this version cannot go on from the checkpoint.
        """

        def appeared(series: str) -> None:
            self._sight(series, where)

        if checkpoint is None:
            partition = Partition(self.judges.first, where, appeared)
        else:
            partition = snapshot.restored(checkpoint, self.judges.of_checkpoint(checkpoint), appeared)
        self.partitions[where] = partition
        self.newest[where] = Newest(self.name, partition.judge.channels, self._clock())
        return partition

    def drop(self, topic_partition: TopicPartition) -> None:
        """Forget a partition that left us."""
        self.partitions.pop(topic_partition, None)
        self.newest.pop(topic_partition, None)
        self.homes = {series: home for series, home in self.homes.items() if home != topic_partition}

    def process(self, records: Records) -> Batch:
        """Decode, order and score the next records of one of the group's partitions."""
        partition = self.partitions[records.topic_partition]
        with self._phases.measure("decode"):
            readings, undecoded = self._decoder.decode(records)
            read = len(readings) + len(undecoded)
            future = order.from_the_future(readings, records, partition.judge.order)
            rejects = [undecoded] if len(undecoded) else []
            if future.any():
                rejects.append(_future(readings.take(future), records, partition.judge.order.max_future_seconds))
                readings = readings.take(~future)
        progress = partition.advance(readings)
        newest, now = self.newest[records.topic_partition], self._clock()
        for results, rows in zip(progress.results, progress.rows, strict=True):
            newest.update(results, rows, now)
        rejects += _out_of_order(progress, records)
        return Batch(read, progress.results, progress.alarms, rejects, progress.epochs_closed)

    def take_splits(self) -> int:
        """How many series showed up in a second partition since this was asked last."""
        new, self._splits_told = self.splits - self._splits_told, self.splits
        return new

    def _sight(self, series: str, where: TopicPartition) -> None:
        if self.homes.setdefault(series, where) != where:
            self.splits += 1


def _future(readings: Readings, records: Records, max_future_seconds: float) -> Rejects:
    own_ms = records.timestamp_ms[np.searchsorted(records.offset, readings.offset)]
    details = [
        f"timestamp: Expected at most {max_future_seconds:g} s after the record's own {_instant(own * 1_000_000)}, "
        f"got {_instant(timestamp)}"
        for own, timestamp in zip(own_ms.tolist(), readings.timestamp.tolist(), strict=True)
    ]
    return _refuse(readings, records, Reason.FUTURE, details)


def _out_of_order(progress: Progress, records: Records) -> list[Rejects]:
    refused = []
    for readings, verdict in progress.verdicts:
        if verdict.accepted.all():
            continue
        for mask, reason in ((verdict.late, Reason.LATE), (verdict.duplicate, Reason.DUPLICATE)):
            if mask.any():
                details = _order_details(readings.take(mask), verdict.elapsed_seconds[mask], reason)
                refused.append(_refuse(readings.take(mask), records, reason, details))
    return refused


def _order_details(readings: Readings, elapsed_seconds: NDArray[np.float32], reason: Reason) -> list[str]:
    details = []
    for series, timestamp, elapsed in zip(readings.series, readings.timestamp.tolist(), elapsed_seconds, strict=True):
        expected = "a new one" if reason is Reason.DUPLICATE else "none older than the newest scored"
        details.append(
            f"timestamp of series {str(series)[:80]!r}: Expected {expected}, got {_instant(timestamp)}, "
            f"{-elapsed:g} s behind"
        )
    return details


def _refuse(readings: Readings, records: Records, reason: Reason, details: list[str]) -> Rejects:
    return Rejects(readings.group, records, readings.offset, readings.index, [reason] * len(readings), details)


def _instant(timestamp_ns: int) -> str:
    return f"{np.datetime64(timestamp_ns, 'ns')}Z"
