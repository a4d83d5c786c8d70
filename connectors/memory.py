"""A source and a sink in memory, whose faults are written into their script."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.ports import Assigned, Columns, Ended, Event, Gone, Lost, Revoked, Sink, Source, Topic


@dataclass(frozen=True, slots=True)
class Fault:
    """This poll raises. The next one goes on behind it."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Idle:
    """This poll finds nothing."""


Script = Sequence[Records | Event | Fault | Idle]


def records_of(
    topic_partition: TopicPartition,
    rows: Iterable[tuple[bytes | None, bytes | None]],
    first_offset: int = 0,
    timestamp_ms: int = -1,
) -> Records:
    """Records of these (key, value), at consecutive offsets, with one timestamp and no headers."""
    pairs = list(rows)
    return Records(
        topic_partition,
        np.arange(first_offset, first_offset + len(pairs)),
        np.full(len(pairs), timestamp_ms, dtype=np.int64),
        [key for key, _ in pairs],
        [value for _, value in pairs],
        [()] * len(pairs),
    )


class MemorySource(Source):
    """Plays a script, one entry a poll: records arrive at their partition's log, events happen, faults are raised.

    Records reach the reader once their partition is assigned, placed by `seek` and not paused, all that have arrived at
    once. A source of the same script and the same ``committed`` goes on as after a restart. ``oldest`` has the first
    offset of partitions whose retention has removed the ones before; ``topics`` are those of the script, with all their
    partitions from the beginning, unless given. No poll waits: time does not pass here.
    """

    def __init__(
        self,
        script: Script,
        committed: dict[TopicPartition, int] | None = None,
        oldest: Mapping[TopicPartition, int] | None = None,
        topics: Mapping[str, Topic] | None = None,
    ) -> None:
        self._script = deque(script)
        self._committed = {} if committed is None else committed
        self._oldest = {} if oldest is None else oldest
        self._topics = _topics_of(script) if topics is None else topics
        self._log: dict[TopicPartition, list[Records]] = {}
        self._position: dict[TopicPartition, int | None] = {}  # of the assigned ones: next to be delivered, once placed
        self._paused: set[TopicPartition] = set()

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        arrived = self._arrived()
        if arrived or not self._script:
            return arrived
        if isinstance(self._script[0], Ended) and self._has_records_waiting():
            return []
        match self._script.popleft():
            case Records() as records:
                self._log.setdefault(records.topic_partition, []).append(records)
                return self._arrived()
            case Fault(error):
                raise error
            case Idle():
                return []
            case event:
                self._happen(event)
                return [event]

    @override
    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.update(partitions)

    @override
    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.difference_update(partitions)

    @override
    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self._position:
            raise ValueError(f"seek: expected an assigned partition, got {partition}")
        self._position[partition] = offset

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        return self._committed.get(partition)

    @override
    def first_offset(self, partition: TopicPartition) -> int:
        return self.oldest_offset(partition)

    @override
    def oldest_offset(self, partition: TopicPartition) -> int:
        return self._oldest.get(partition, 0)

    @override
    def topic(self, name: str) -> Topic:
        return self._topics[name]

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        self._committed.update(next_offsets)

    @override
    def lag(self, partition: TopicPartition) -> int | None:
        position = self._position.get(partition)
        if position is None:
            return None
        coming = [entry for entry in self._script if isinstance(entry, Records) and entry.topic_partition == partition]
        return sum(int((records.offset >= position).sum()) for records in [*self._log.get(partition, []), *coming])

    @override
    def close(self) -> None:
        self._script.clear()
        self._position.clear()

    def _happen(self, event: Event) -> None:
        match event:
            case Assigned(partitions):
                self._position |= dict.fromkeys(partitions)
            case Revoked(partitions) | Lost(partitions):
                for partition in partitions:
                    del self._position[partition]
                    self._paused.discard(partition)
            case Gone(partition, oldest=oldest):
                self._position[partition] = oldest
            case Ended():
                pass

    def _arrived(self) -> list[Event | Records]:
        arrived: list[Event | Records] = []
        for partition, position in self._position.items():
            if position is not None and partition not in self._paused:
                arrived += self._rest(partition, position)
        self._position |= {entry.topic_partition: entry.next_offset for entry in arrived if isinstance(entry, Records)}
        return arrived

    def _has_records_waiting(self) -> bool:
        return any(self._rest(partition, position or 0) for partition, position in self._position.items())

    def _rest(self, partition: TopicPartition, position: int) -> list[Records]:
        log = self._log.get(partition, [])
        return [_from(records, position) for records in log if len(records) and records.next_offset > position]


def _topics_of(script: Script) -> dict[str, Topic]:
    """Each topic with as many partitions as are assigned in the end."""
    assigned = sorted(partition for event in script if isinstance(event, Assigned) for partition in event.partitions)
    return {topic: Topic("", number + 1) for topic, number in assigned}


def _from(records: Records, position: int) -> Records:
    start = int(np.searchsorted(records.offset, position))
    return Records(
        records.topic_partition,
        records.offset[start:],
        records.timestamp_ms[start:],
        records.key[start:],
        records.value[start:],
        records.headers[start:],
    )


class MemorySink(Sink):
    """Keeps columns: `durable` holds what was flushed, `written` what came after the last flush."""

    def __init__(self) -> None:
        self.durable: list[Columns] = []
        self.written: list[Columns] = []

    @override
    def write(self, columns: Columns) -> None:
        self.written.append(columns)

    @override
    def flush(self) -> None:
        self.durable += self.written
        self.written = []

    @override
    def close(self) -> None:
        self.written = []
