"""Records of Kafka topics, as a member of a consumer group.

The client logs under the logger ``kafka``: failing connections are warnings there, a rebalance is many lines of INFO.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, OffsetOutOfRangeError
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.errors import DoubtError
from connectors.kafka_batches import FetchedRecords, Row
from connectors.kafka_closing import close_consumer
from connectors.kafka_cluster import check_source_topics, describe_topic
from connectors.kafka_errors import described, irrevocable, translated
from connectors.kafka_membership import Membership
from connectors.kafka_offsets import Offsets, name
from connectors.kafka_options import KafkaOptions
from connectors.kafka_rebalance import Handover, Handovers
from connectors.kafka_silence import Silence
from connectors.kafka_watchdog import Watchdog
from connectors.ports import Assigned, Event, Gone, Lost, Revoked, Source, Topic

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT_MS = 5_000


class KafkaSource(Source):
    """The topics named and those that match a pattern as a whole, shared with the other members of the group.

    While a `Revoked` is being handled, `commit` still counts: the group waits until the next `poll`. A poll that should
    read what the broker has deleted raises `OffsetGoneError`. One that finds that somebody else has taken our place in
    the group, or that our place is not the one that the partitions were given to, raises `DoubtError`.
    """

    def __init__(
        self,
        options: KafkaOptions,
        topics: Sequence[str],
        patterns: Sequence[str] = (),
        default_instance_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._silence = Silence(options, clock)
        self._owned: set[TopicPartition] = set()
        self._paused: set[TopicPartition] = set()
        self._held: set[TopicPartition] = set()  # assigned, and no `seek` has said yet where they begin
        self._topics: dict[str, Topic] = {}  # those that were asked for since the last assignment
        self._is_closed = False
        assignor = {"partition_assignment_strategy": [RangePartitionAssignor]}  # the cooperative one loses track
        with translated("connect"):
            self._consumer = KafkaConsumer(**options.consumer_config(default_instance_id), **assignor)
        self._consumer._fetcher.PartitionRecords = FetchedRecords  # noqa: SLF001  # the client has no other door
        self._handovers = Handovers(self._consumer)
        self._membership = Membership(self._consumer)
        self._offsets = Offsets(self._consumer, options)
        self._watchdog = Watchdog(self._consumer, self._offsets, options.watchdog_seconds, clock)
        try:
            self._subscribe(topics, patterns)
        except BaseException:
            self.close()
            raise

    def _subscribe(self, topics: Sequence[str], patterns: Sequence[str]) -> None:
        if patterns:  # the client takes names or one pattern, which it matches at the beginning only
            either = "|".join([*map(re.escape, topics), *(f"(?:{pattern})" for pattern in patterns)])
            self._consumer.subscribe(pattern=rf"(?:{either})\Z", listener=self._handovers)
        else:
            self._consumer.subscribe(topics=list(topics), listener=self._handovers)
        # After the subscription: partitions that the client hears of later look like new ones, and rebalance the group.
        with translated("list the topics"):
            existing = sorted(self._consumer.topics())
        check_source_topics(topics, existing)
        for pattern in patterns:
            if not any(re.fullmatch(pattern, topic) for topic in existing):
                log.warning("kafka: no topic matches the pattern %r yet", pattern)

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        self._watchdog.look(self._owned - self._held - self._paused)  # before: what a poll returns must not be dropped
        polled: Mapping[TopicPartition, list[Any]] = {}
        self._take_up_parked()
        try:
            with translated("poll"):
                polled = self._consumer.poll(timeout_ms=round(timeout_seconds * 1000))
        except Handover:
            pass
        except OffsetOutOfRangeError as error:
            return [*self._pass_over(error)]
        events = self._events()
        self._membership.look(events, self._owned)
        flowing = self._owned - self._held
        records = [records_of(TopicPartition(*key), rows) for key, rows in polled.items() if key in flowing]
        self._silence.listen(has_heard=bool(events or records))
        return [*events, *records]

    def _pass_over(self, error: OffsetOutOfRangeError) -> Iterator[Event]:
        """Go on behind what was deleted, where the configuration says so and there is something behind it."""
        oldest = {asked: self._offsets.oldest(asked) for asked in error.args[0]}
        if self._options.deleted_records == "fail" or any(oldest[at] <= offset for at, offset in error.args[0].items()):
            raise self._offsets.gone(error) from error
        for asked, offset in error.args[0].items():
            self._consumer.seek(asked, oldest[asked])
            yield Gone(TopicPartition(*asked), offset, oldest[asked])

    def _take_up_parked(self) -> None:
        """Let the client go on with what it has parked of a partition that was paused, and is no longer.

        It does so only while this is None. It is an emptied one for ever once other partitions were read, and nothing
        more of a parked partition is fetched.
        """
        fetcher = self._consumer._fetcher  # noqa: SLF001
        if not fetcher._next_partition_records:  # noqa: SLF001
            fetcher._next_partition_records = None  # noqa: SLF001

    def _events(self) -> list[Event]:
        """What the group did since the last poll."""
        happened: list[Event] = []
        while self._handovers.events:
            event = self._handovers.events.popleft()
            if isinstance(event, Assigned):
                self._owned.update(event.partitions)
                self._held.update(event.partitions)
                self._topics.clear()
                happened.append(event)
            else:
                happened += self._given_up(event)
        return happened

    def _given_up(self, event: Revoked | Lost) -> list[Event]:
        """The event, about those that were ours: a membership can be lost while its revocation is under way."""
        ours = tuple(partition for partition in event.partitions if partition in self._owned)
        for partitions in (self._owned, self._paused, self._held):
            partitions.difference_update(ours)
        return [type(event)(ours)] if ours else []

    @override
    def pause(self, partitions: Collection[TopicPartition]) -> None:
        ours = self._owned.intersection(partitions)
        self._paused |= ours
        self._consumer.pause(*map(ClientPartition._make, ours & self._consumer.assignment()))

    @override
    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.difference_update(partitions)
        self._resume(set(partitions) - self._held)

    def _resume(self, partitions: set[TopicPartition]) -> None:
        ours = partitions & self._owned & self._consumer.assignment()
        self._consumer.resume(*map(ClientPartition._make, ours))

    @override
    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self._owned:
            raise ValueError(f"seek: expected an assigned partition, got {partition}")
        self._consumer.seek(ClientPartition(*partition), offset)
        self._held.discard(partition)
        self._resume({partition} - self._paused)

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        return self._offsets.committed(partition)

    @override
    def first_offset(self, partition: TopicPartition) -> int:
        return self._offsets.first(partition)

    @override
    def oldest_offset(self, partition: TopicPartition) -> int:
        return self._offsets.oldest(partition)

    @override
    def topic(self, name: str) -> Topic:
        if name not in self._topics:
            self._topics[name] = describe_topic(self._options, name)
        return self._topics[name]

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        foreign = sorted(next_offsets.keys() - self._consumer.assignment())
        if foreign:  # the broker would take it from any member, and set its new owner back
            raise DoubtError(f"kafka: commit: {', '.join(map(name, foreign))}: no longer ours")
        with irrevocable("commit"):
            offsets = {ClientPartition(*key): OffsetAndMetadata(offset, "", -1) for key, offset in next_offsets.items()}
            self._consumer.commit(offsets, timeout_ms=self._options.request_timeout_ms)

    @property
    def membership(self) -> Any | None:
        """The client's group metadata as of the last poll, None where we were no member in good standing then."""
        return self._membership.snapshot

    @override
    def lag(self, partition: TopicPartition) -> int | None:
        key = ClientPartition(*partition)
        if partition not in self._owned or key not in self._consumer.assignment():
            return None
        end = self._consumer.highwater(key)
        return None if end is None else max(end - self._consumer.position(key, timeout_ms=0), 0)

    @override
    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._handovers.leave()
        try:
            close_consumer(self._consumer, _CLOSE_TIMEOUT_MS)
        except KafkaError as error:
            log.warning("kafka: the group could not be left in good order: %s", described(error))


def records_of(partition: TopicPartition, rows: Sequence[Row]) -> Records:
    """The columns of the rows (R of them) of one partition."""
    offset, timestamp_ms, key, value, headers = zip(*rows, strict=True)
    return Records(
        topic_partition=partition,
        offset=np.array(offset, np.int64),
        timestamp_ms=np.array(timestamp_ms, np.int64),
        key=list(key),
        value=list(value),
        headers=list(headers),
    )
