"""A consumer group in memory, to be moved from outside."""

from collections.abc import Collection
from dataclasses import dataclass, field

from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.ports import ConsumerGroup, Topic


@dataclass
class MemoryGroup(ConsumerGroup):
    """Its offsets are those of ``offsets``; a record's timestamp is ten times its offset."""

    offsets: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]
    first: dict[TopicPartition, int] = field(default_factory=dict)
    present: list[str] = field(default_factory=list)
    topic_id: str = ""

    @override
    def partitions(self, topics: Collection[str], patterns: Collection[str]) -> list[TopicPartition]:
        return sorted(self.ends)

    @override
    def topic(self, name: str) -> Topic:
        return Topic(self.topic_id, len(self.ends))

    @override
    def oldest(self, partition: TopicPartition) -> int:
        return self.first.get(partition, 0)

    @override
    def end(self, partition: TopicPartition) -> int:
        return self.ends[partition]

    @override
    def at_time(self, partition: TopicPartition, timestamp_ms: int) -> int:
        return min(max(-(-timestamp_ms // 10), self.oldest(partition)), self.end(partition))

    @override
    def members(self) -> list[str]:
        return self.present

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        return self.offsets.get(partition)

    @override
    def move(self, partition: TopicPartition, next_offset: int) -> None:
        self.offsets[partition] = next_offset
