"""What the brokers know about the offsets of a group's partitions."""

import re
from collections.abc import Collection

from kafka import KafkaConsumer
from kafka import TopicPartition as ClientPartition
from kafka.errors import OffsetOutOfRangeError

from connectors.columns import TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_cluster import check_source_topics, describe_topic
from connectors.kafka_errors import translated
from connectors.kafka_options import KafkaOptions
from connectors.ports import Topic

_ABORT_MARGIN_SECONDS = 15.0  # a broker looks for transactions to end every 10 s


class Offsets:
    """Questions that one consumer asks. Each raises TransientError where the answer is not to be had now."""

    def __init__(self, consumer: KafkaConsumer, options: KafkaOptions) -> None:
        self._consumer = consumer
        self._options = options
        self._patience_ms = round(1000 * (options.transaction_timeout_seconds + _ABORT_MARGIN_SECONDS))

    def committed(self, partition: TopicPartition) -> int | None:
        """What the group committed, after the transaction that may be about to change it has ended."""
        with translated(f"find what was committed of {name(partition)}"):
            self._consumer._coordinator._offset_fetch_futures.clear()  # noqa: SLF001  # answers to questions given up
            offset: int | None = self._consumer.committed(ClientPartition(*partition), timeout_ms=self._patience_ms)
        return offset

    def first(self, partition: TopicPartition) -> int:
        """Where ``start`` says: the oldest offset, the end, or the first of a time, which is the end if none is."""
        start = self._options.start_timestamp_ms
        if start is None:
            return self.oldest(partition) if self._options.start == "earliest" else self.end(partition)
        return self.at_time(partition, start)

    def oldest(self, partition: TopicPartition) -> int:
        """The first offset that is there."""
        asked = ClientPartition(*partition)
        with translated(f"find the oldest offset of {name(partition)}"):
            return int(self._consumer.beginning_offsets([asked], timeout_ms=self._options.request_timeout_ms)[asked])

    def end(self, partition: TopicPartition) -> int:
        """The offset behind the last one that may be read."""
        asked = ClientPartition(*partition)
        with translated(f"find the end of {name(partition)}"):
            return int(self._consumer.end_offsets([asked], timeout_ms=self._options.request_timeout_ms)[asked])

    def at_time(self, partition: TopicPartition, timestamp_ms: int) -> int:
        """The first offset with this timestamp or a later one, the end where there is none."""
        asked = {ClientPartition(*partition): timestamp_ms}
        with translated(f"find a time in {name(partition)}"):
            [found] = self._consumer.offsets_for_times(asked, timeout_ms=self._options.request_timeout_ms).values()
        return self.end(partition) if found is None else int(found.offset)

    def topic(self, topic: str) -> Topic:
        """The topic as it is now."""
        return describe_topic(self._options, topic)

    def partitions(self, topics: Collection[str], patterns: Collection[str]) -> list[TopicPartition]:
        """All partitions of the topics named, which must exist, and of those that match a pattern as a whole."""
        with translated("list the topics"):
            existing = sorted(self._consumer.topics())
            check_source_topics([*topics], existing)
            matching = [topic for topic in existing if any(re.fullmatch(pattern, topic) for pattern in patterns)]
            return [
                TopicPartition(topic, number)
                for topic in sorted({*topics, *matching})
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]

    def gone(self, error: OffsetOutOfRangeError) -> OffsetGoneError:
        """The error that names what should have been read, and what is there."""
        lines = [
            f"{name(asked)}: next offset {offset}, but the broker has {self.oldest(asked)} to {self.end(asked)}"
            for asked, offset in error.args[0].items()
        ]
        return OffsetGoneError(
            f"kafka: group {self._options.group_id}: {'; '.join(lines)} (next to be written): records were "
            "deleted before they were read, or the topic was made anew; set the group's offsets to go on"
        )


def name(partition: TopicPartition) -> str:
    """A partition as Kafka's own messages write it: ``topic-0``."""
    return f"{partition[0]}-{partition[1]}"
