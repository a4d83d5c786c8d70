"""A group: the series of one configured stream, over all the source partitions that are ours."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Alarms, Int64, Readings, Reason, Records, Rejects, Results, Silences, TopicPartition
from connectors.decode import Decoder
from connectors.drifts import Drifts
from streamer import order, snapshot
from streamer.checkpoint import Checkpoint
from streamer.judge import Judges
from streamer.newest import Newest
from streamer.order import OrderOptions
from streamer.partition import Partition, Progress
from streamer.phases import Phases
from streamer.reject_limit import RejectLimit
from streamer.shadow import Duel


@dataclass(frozen=True, slots=True)
class Batch:
    """What the records of one partition came to."""

    read: int = 0  # readings, the rejected ones and those that are held back now among them
    results: list[Results] = field(default_factory=list)
    alarms: list[Alarms] = field(default_factory=list)
    silences: list[Silences] = field(default_factory=list)
    drifts: list[Drifts] = field(default_factory=list)
    rejects: list[Rejects] = field(default_factory=list)
    epochs_closed: int = 0
    evicted: int = 0  # series
    duels: list[Duel] = field(default_factory=list)
    joined: int = 0  # readings that went into others
    replaced: int = 0  # values of those others


class Group:
    """The partitions of one group, each with its state, and the decoder they share."""

    def __init__(
        self,
        holds: Callable[[str], bool],
        decoder: Decoder,
        judges: Judges,
        phases: Phases,
        reject_limit: RejectLimit,
        clock: Callable[[], float],
    ) -> None:
        self.holds = holds  # whether a topic is one of the group's
        self.judges = judges
        self.reject_limit = reject_limit
        self.partitions: dict[TopicPartition, Partition] = {}
        self.newest: dict[TopicPartition, Newest] = {}
        self.homes: dict[str, TopicPartition] = {}  # where a series was seen first
        self.splits = 0  # series that showed up in a second partition
        self._splits_told = 0
        self._changed: dict[TopicPartition, list[str]] = {}  # series that came or went since they were taken
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

        def appeared(series: list[str]) -> None:
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
        left = self.partitions.pop(topic_partition, None)
        self.newest.pop(topic_partition, None)
        self._changed.pop(topic_partition, None)
        if left is not None:
            self._rehome(left.series.names(left.series.live()), topic_partition)

    def process(self, records: Records) -> Batch:
        """Decode, order and score the next records of one of the group's partitions."""
        partition = self.partitions[records.topic_partition]
        with self._phases.measure("decode"):
            readings, rejects = self.decode(records, partition.judge.choices.order)
        read = len(readings) + sum(map(len, rejects))
        before = _counts(readings, partition.buffer.held)
        progress = partition.advance(readings)
        after = _counts(*(released for released, _ in progress.verdicts), partition.buffer.held)
        joined, replaced = (before - after).tolist()
        return replace(self._batch(progress, records, read, rejects), joined=joined, replaced=replaced)

    def decode(self, records: Records, options: OrderOptions) -> tuple[Readings, list[Rejects]]:
        """The readings in records that may be put in order, and those that may not."""
        readings, undecoded = self._decoder.decode(records)
        future = order.from_the_future(readings, records, options)
        rejects = [undecoded] if len(undecoded) else []
        if future.any():
            rejects.append(_future(readings.take(future), records, options.max_future_seconds))
            readings = readings.take(~future)
        return readings, rejects

    def flush(self, where: TopicPartition) -> Batch:
        """Score what is held back in a partition to which nothing more will come."""
        return self._batch(self.partitions[where].flush(), Records.none(where), 0, [])

    @property
    def held(self) -> int:
        """Readings held back now, over all partitions."""
        return sum(len(partition.buffer) for partition in self.partitions.values())

    def take_splits(self) -> int:
        """How many series showed up in a second partition since this was asked last."""
        new, self._splits_told = self.splits - self._splits_told, self.splits
        return new

    def take_changed(self, where: TopicPartition) -> list[str]:
        """Which series came into this partition or left it since this was asked last; some did both."""
        return self._changed.pop(where, [])

    def _batch(self, progress: Progress, records: Records, read: int, rejects: list[Rejects]) -> Batch:
        self._show(progress, records.topic_partition)
        return Batch(
            read,
            progress.results,
            progress.alarms,
            progress.silences,
            progress.drifts,
            [*rejects, *_out_of_order(progress, records)],
            progress.epochs_closed,
            len(progress.evicted),
            progress.duels,
        )

    def _show(self, progress: Progress, where: TopicPartition) -> None:
        """Bring up to date what people look at: first who is gone, since others may have their rows by now."""
        newest, now = self.newest[where], self._clock()
        for rows in progress.released:
            newest.reset(rows)
        for results, rows in zip(progress.results, progress.rows, strict=True):
            newest.update(results, rows, now)
        if progress.evicted:
            self._changed.setdefault(where, []).extend(progress.evicted)
            stayed = self.partitions[where].series
            self._rehome((name for name in progress.evicted if name not in stayed), where)

    def _sight(self, series: list[str], where: TopicPartition) -> None:
        self._changed.setdefault(where, []).extend(series)
        self.splits += sum(self.homes.setdefault(name, where) != where for name in series)

    def _rehome(self, names: Iterable[str], where: TopicPartition) -> None:
        """Give series that left a partition another home, if there is one."""
        others = self.partitions if self.splits else {}
        for name in names:
            if self.homes.get(name) == where:
                del self.homes[name]
                self.homes.update((name, other) for other, partition in others.items() if name in partition.series)


def _counts(*parts: Readings) -> Int64:
    """How many readings there are, and values in them. -> (2,)."""
    counts: Int64 = np.array([(len(part), np.count_nonzero(part.present)) for part in parts]).sum(axis=0)
    return counts


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
