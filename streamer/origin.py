"""The origin of a partition's state: the topic as it was when the group began with it."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from connectors.columns import TopicPartition
from connectors.errors import StateError
from connectors.ports import Topic


class Origin(NamedTuple):
    """Which topic, and how many partitions it had. All checkpoints of a group's topic carry the same.

    By the id a topic that was made anew under the same name is told apart: its offsets mean other records. By the
    number a partition that was added later is told from one that the group has not come to yet: what was written to it
    before anybody knew of it would be lost if it began at its end.
    """

    topic_id: str
    partitions: int

    @classmethod
    def of(cls, source: Mapping[str, str | int], topic: Topic) -> Self:
        """As a checkpoint's ``source`` has it; as the topic is now where that says nothing, as those of old."""
        if not source:
            return cls(topic.id, topic.partitions)
        return cls(str(source["topic_id"]), int(source["partitions"]))

    def to_source(self) -> dict[str, str | int]:
        """What a checkpoint keeps of it."""
        return self._asdict()

    def is_new(self, where: TopicPartition) -> bool:
        """Whether the partition was added after the group had begun with its topic."""
        return where.partition >= self.partitions

    def fits(self, topic: Topic) -> bool:
        """Whether the topic is still the same, as far as its source can tell."""
        return topic.id in {"", self.topic_id} or not self.topic_id

    def check(self, topic: Topic, where: TopicPartition) -> None:
        """Return if the topic is still the same.

        Raises:
            StateError: it was made anew.
        """
        if not self.fits(topic):
            raise StateError(
                f"{where.topic}-{where.partition}: Expected the topic of the checkpoints, {self.topic_id}, "
                f"got {topic.id}: it was deleted and made anew; `streamer reset` says where to go on"
            )
