"""Records of Kafka topics, as a member of a consumer group.

The client logs under the logger ``kafka``: failing connections are warnings there, a rebalance is many lines of INFO.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, OffsetOutOfRangeError
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.errors import OffsetGoneError, TransientError
from connectors.kafka_batches import FetchedRecords, Row
from connectors.kafka_cluster import check_source_topics, reason_of_silence
from connectors.kafka_errors import described, translated
from connectors.kafka_options import KafkaOptions
from connectors.kafka_rebalance import Handover, Handovers
from connectors.ports import Assigned, Event, Lost, Revoked, Source

log = logging.getLogger(__name__)

_REQUEST_TIMEOUT_MS = 15_000
_CLOSE_TIMEOUT_MS = 5_000
_SILENCE_SECONDS = 5.0  # without a record, after which the brokers are asked whether they are there


class KafkaSource(Source):
    """The topics named and those that match a pattern as a whole, shared with the other members of the group.

    A `poll` returns events or records, never both; records of a partition start with the poll after the one that
    returned its `Assigned`, so that `seek` in between decides where they start. Else they start behind what the group
    committed, or where ``start`` says. While a `Revoked` is being handled, `commit` still counts: the group waits until
    the next `poll`. A poll that should read what the broker has deleted raises `OffsetGoneError`.
    """

    def __init__(
        self,
        options: KafkaOptions,
        topics: Sequence[str],
        patterns: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._clock = clock
        self._heard_at = clock()
        self._owned: set[TopicPartition] = set()
        self._paused: set[TopicPartition] = set()
        self._held: set[TopicPartition] = set()  # assigned, and not yet polled after
        self._is_closed = False
        assignor = {"partition_assignment_strategy": [RangePartitionAssignor]}  # the cooperative one loses track
        with translated("connect"):
            self._consumer = KafkaConsumer(**options.consumer_config(), **assignor)
        self._consumer._fetcher.PartitionRecords = FetchedRecords  # noqa: SLF001  # the client has no other door
        self._handovers = Handovers(self._consumer)
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
        self._let_flow()
        polled: Mapping[TopicPartition, list[Any]] = {}
        try:
            with translated("poll"):
                polled = self._consumer.poll(timeout_ms=round(timeout_seconds * 1000))
        except Handover:
            pass
        except OffsetOutOfRangeError as error:
            raise self._offset_gone(error) from error
        try:
            happened: list[Event | Records] = [*self._events()]
        except TransientError:
            self._rewind(polled)  # whoever polls again must get what this poll cannot return
            raise
        happened += [records_of(TopicPartition(*key), rows) for key, rows in polled.items() if key in self._owned]
        self._listen(bool(happened))
        return happened

    def _rewind(self, polled: Mapping[Any, list[Any]]) -> None:
        for partition, rows in polled.items():
            if TopicPartition(*partition) in self._owned:
                self._consumer.seek(partition, rows[0][0])

    def _let_flow(self) -> None:
        """Start to fetch what the last poll said is ours."""
        flowing = self._held - self._paused
        self._held.clear()
        self._resume(flowing)

    def _events(self) -> list[Event]:
        """What the group did since the last poll, once the new partitions stand where they start."""
        happened: list[Event] = []
        waiting = self._handovers.events
        while waiting:
            event = waiting[0]
            if isinstance(event, Assigned):
                try:
                    self._settle(event)
                except TransientError:
                    if happened:
                        break  # say these now; the next poll tries the assignment again
                    raise
                happened.append(event)
            else:
                happened += self._given_up(event)
            waiting.popleft()
        return happened

    def _settle(self, event: Assigned) -> None:
        """Put the partitions where the group left off, or where a new group starts."""
        held = set(event.partitions) & self._consumer.assignment()
        next_offsets = {partition: self.committed(partition) for partition in held}
        new = [partition for partition, offset in next_offsets.items() if offset is None]
        for partition, offset in (next_offsets | self._starts(new)).items():
            self._consumer.seek(ClientPartition(*partition), offset)
        self._owned.update(event.partitions)
        self._held.update(held)

    def _starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where a new group starts. A start at the end is committed, else it would move on with the end."""
        if not partitions:
            return {}
        asked = [ClientPartition(*partition) for partition in partitions]
        with translated("find the start of new partitions"):
            ends = self._consumer.end_offsets(asked, timeout_ms=_REQUEST_TIMEOUT_MS)
            starts = self._starts_before(asked)
        at_end = {partition: end for partition, end in ends.items() if partition not in starts}
        if at_end:
            self.commit(at_end)
        for partition, offset in (starts | at_end).items():
            log.info("kafka: %s of group %s starts at offset %d (%s)",
                     name(partition), self._options.group_id, offset, self._options.start)  # fmt: skip
        return starts | at_end

    def _starts_before(self, asked: Sequence[Any]) -> dict[TopicPartition, int]:
        """Where ``start`` says an offset that stays what it is: the first one, or the first of a time."""
        start = self._options.start_timestamp_ms
        if start is not None:
            found = self._consumer.offsets_for_times(dict.fromkeys(asked, start), timeout_ms=_REQUEST_TIMEOUT_MS)
            return {partition: hit.offset for partition, hit in found.items() if hit is not None}
        if self._options.start == "earliest":
            return dict(self._consumer.beginning_offsets(asked, timeout_ms=_REQUEST_TIMEOUT_MS))
        return {}

    def _given_up(self, event: Revoked | Lost) -> list[Event]:
        """The event, about those that were ours: a membership can be lost while its revocation is under way."""
        ours = tuple(partition for partition in event.partitions if partition in self._owned)
        for partitions in (self._owned, self._paused, self._held):
            partitions.difference_update(ours)
        return [type(event)(ours)] if ours else []

    def _offset_gone(self, error: OffsetOutOfRangeError) -> OffsetGoneError:
        lines = []
        for partition, offset in error.args[0].items():
            with translated(f"find the offsets of {name(partition)}"):
                first = self._consumer.beginning_offsets([partition], timeout_ms=_REQUEST_TIMEOUT_MS)[partition]
                end = self._consumer.end_offsets([partition], timeout_ms=_REQUEST_TIMEOUT_MS)[partition]
            lines.append(f"{name(partition)}: next offset {offset}, but the broker has {first} to {end}")
        return OffsetGoneError(
            f"kafka: group {self._options.group_id}: {'; '.join(lines)} (next to be written): records were "
            "deleted before they were read, or the topic was made anew; set the group's offsets to go on"
        )

    def _listen(self, has_heard: bool) -> None:
        """Ask whether the brokers are there when nothing was heard for a while: the client would wait for ever."""
        now = self._clock()
        if not has_heard:
            if now - self._heard_at < _SILENCE_SECONDS:
                return
            reason = reason_of_silence(self._options)
            if reason is not None:
                raise TransientError(f"kafka: no broker of [{', '.join(self._options.servers)}] answers: {reason}")
        self._heard_at = now

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
        self._consumer.seek(ClientPartition(*partition), offset)

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        with translated(f"find what was committed of {name(partition)}"):
            offset: int | None = self._consumer.committed(ClientPartition(*partition), timeout_ms=_REQUEST_TIMEOUT_MS)
        return offset

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        foreign = sorted(next_offsets.keys() - self._consumer.assignment())
        if foreign:  # the broker would take it from any member, and set its new owner back
            raise TransientError(f"kafka: commit: {', '.join(map(name, foreign))}: not ours any more")
        with translated("commit"):
            offsets = {ClientPartition(*key): OffsetAndMetadata(offset, "", -1) for key, offset in next_offsets.items()}
            self._consumer.commit(offsets, timeout_ms=_REQUEST_TIMEOUT_MS)

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
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_TIMEOUT_MS)
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


def name(partition: TopicPartition) -> str:
    """A partition as Kafka's own messages write it: ``topic-0``."""
    return f"{partition[0]}-{partition[1]}"
