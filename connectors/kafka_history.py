"""A span of what Kafka topics hold, read once and by nobody's leave: no consumer group hears of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer
from kafka import TopicPartition as ClientPartition
from kafka.errors import OffsetOutOfRangeError
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_batches import FetchedRecords
from connectors.kafka_closing import close_consumer
from connectors.kafka_errors import translated
from connectors.kafka_offsets import Offsets, name
from connectors.kafka_options import KafkaOptions
from connectors.kafka_silence import Silence
from connectors.kafka_source import records_of
from connectors.ports import Assigned, Ended, Event, Log, Source, Topic


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one partition that are asked for: from ``start`` to before ``end``."""

    start: int
    end: int


def reader(options: KafkaOptions) -> KafkaConsumer:
    """A consumer that belongs to no group.

    Raises:
        TransientError: the brokers cannot be reached.
    """
    with translated("connect"):
        return KafkaConsumer(**options.consumer_config() | {"group_id": None, "group_instance_id": None})


class KafkaHistory(Source):
    """The spans, partition by partition as the brokers answer, and then the end.

    Every partition is assigned at once. With ``is_resumed`` it counts as committed up to where its span begins, so that
    whoever has state from before steps it up to there; else as never committed. What is committed here lasts as long as
    the source. Only committed records are read, and what lies between them delays no end. A poll that should read what
    the broker has deleted raises `OffsetGoneError`.
    """

    def __init__(
        self, options: KafkaOptions, consumer: KafkaConsumer, spans: Mapping[TopicPartition, Span], *, is_resumed: bool
    ) -> None:
        self._spans = spans
        self._consumer = consumer
        self._offsets: Log = Offsets(consumer, options)
        self._silence = Silence(options)
        self._committed = {where: span.start for where, span in spans.items()} if is_resumed else {}
        self._paused: set[TopicPartition] = set()
        self._placed: set[TopicPartition] = set()  # those that `seek` has
        self._is_announced = self._is_ended = False
        self.records = 0  # delivered from within the spans
        consumer._fetcher.PartitionRecords = FetchedRecords  # noqa: SLF001  # as in `KafkaSource`
        consumer.assign(list(map(ClientPartition._make, spans)))
        for where, span in spans.items():  # paused: nothing is fetched before `seek`
            consumer.pause(ClientPartition(*where))
            consumer.seek(ClientPartition(*where), span.start)

    @property
    def left(self) -> int:
        """Offsets of the spans that are still to come."""
        return sum(
            max(span.end - max(self._position(where), span.start), 0)
            if where in self._placed
            else span.end - span.start
            for where, span in self._spans.items()
        )

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        if not self._is_announced:
            self._is_announced = True
            return [Assigned(tuple(self._spans))]
        self._rest()
        if not self._paused and all(self._is_through(where) for where in self._spans):
            ended: list[Event | Records] = [] if self._is_ended else [Ended()]
            self._is_ended = True
            return ended
        polled: Mapping[TopicPartition, list[Any]] = {}
        try:
            with translated("poll"):
                polled = self._consumer.poll(timeout_ms=round(timeout_seconds * 1000))
        except OffsetOutOfRangeError as error:
            raise OffsetGoneError(f"kafka: {error}: records were deleted before they were read") from error
        self._silence.listen(has_heard=bool(polled))
        records = [self._within(records_of(TopicPartition(*key), rows)) for key, rows in polled.items()]
        return [entry for entry in records if len(entry)]

    def _within(self, records: Records) -> Records:
        span = self._spans[records.topic_partition]
        wanted, _ = records.split(span.end)
        self.records += len(wanted.split(span.start)[1])
        return wanted

    def _is_through(self, where: TopicPartition) -> bool:
        return where in self._placed and self._position(where) >= self._spans[where].end

    def _position(self, where: TopicPartition) -> int:
        return int(self._consumer.position(ClientPartition(*where)))

    def _rest(self) -> None:
        """Fetch nothing more of those that are through."""
        self._consumer.pause(*(ClientPartition(*where) for where in self._placed if self._is_through(where)))

    @override
    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.update(partitions)
        self._consumer.pause(*map(ClientPartition._make, partitions))

    @override
    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.difference_update(partitions)
        self._consumer.resume(*(ClientPartition(*where) for where in self._placed.intersection(partitions)))

    @override
    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self._spans:
            raise ValueError(f"seek: expected an assigned partition, got {name(partition)}")
        self._consumer.seek(ClientPartition(*partition), offset)
        self._placed.add(partition)
        self._is_ended = False
        if partition not in self._paused:
            self._consumer.resume(ClientPartition(*partition))

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        return self._committed.get(partition)

    @override
    def first_offset(self, partition: TopicPartition) -> int:
        return self._spans[partition].start

    @override
    def oldest_offset(self, partition: TopicPartition) -> int:
        return self._offsets.oldest(partition)

    @override
    def topic(self, name: str) -> Topic:
        return self._offsets.topic(name)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        self._committed.update(next_offsets)

    @override
    def lag(self, partition: TopicPartition) -> int | None:
        return max(self._spans[partition].end - self._position(partition), 0) if partition in self._placed else None

    @override
    def close(self) -> None:
        close_consumer(self._consumer)
