"""When a daemon came how far: what it asks of the outside while it takes its partitions over."""

import time
from collections.abc import Mapping

import msgspec
from delegate import Delegate
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.ports import Assigned, Delivery, Event, Source


class Recovery(msgspec.Struct, kw_only=True):
    """Seconds, mostly: one part after the other until every partition has delivered a live reading."""

    imports: float = 0.0
    join: float = 0.0  # connecting and being assigned
    take_over: float = 0.0  # shutting out the predecessor, asking what it committed; of all partitions
    load: float = 0.0  # checkpoints, from the store into partitions
    silent: float = 0.0  # the rest: stepping once more what was told of, to the end of the first live batches
    first_result: float = 0.0  # of any partition, since the process was started
    live_rate: float = 0.0  # readings per second, after that

    @property
    def total(self) -> float:
        """From the start of the process until all partitions are live."""
        return self.imports + self.join + self.take_over + self.load + self.silent


class Diary:
    """Adds up the parts. ``started`` is when the process was, by `time.monotonic`."""

    def __init__(self, started: float, imports: float) -> None:
        self.recovery = Recovery(imports=imports)
        self.delivered = 0
        self.live: set[TopicPartition] = set()
        self._started = started
        self._at = started + imports

    def lap(self) -> float:
        """Seconds since the last lap."""
        before, self._at = self._at, time.monotonic()
        return self._at - before

    def has_delivered(self, where: TopicPartition, partitions: int) -> None:
        """Note the first live readings of a partition."""
        if not self.live:
            self.recovery.first_result = time.monotonic() - self._started
        self.live.add(where)
        if len(self.live) == partitions:
            self.recovery.silent += self.lap()


class ObservedSource(Source):
    """Before a real source in the order of methods: tells the diary."""

    diary: Diary

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        arrived = super().poll(timeout_seconds)  # type: ignore[safe-super]
        self.diary.delivered += sum(len(item) for item in arrived if isinstance(item, Records))
        if any(isinstance(item, Assigned) for item in arrived):
            self.diary.recovery.join += self.diary.lap()
        return arrived

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        committed = super().committed(partition)  # type: ignore[safe-super]
        self.diary.recovery.take_over += self.diary.lap()
        return committed

    @override
    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.diary.recovery.load += self.diary.lap()
        super().seek(partition, offset)  # type: ignore[safe-super]


class ObservedDelivery(Delegate):
    """Tells the diary."""

    def __init__(self, delivery: Delivery, diary: Diary, partitions: int) -> None:
        super().__init__(delivery)
        self._diary = diary
        self._partitions = partitions

    @override
    def open(self, partition: TopicPartition) -> None:
        self._diary.recovery.silent += self._diary.lap()
        super().open(partition)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        super().commit(next_offsets)
        for where in next_offsets.keys() - self._diary.live:
            self._diary.has_delivered(where, self._partitions)
