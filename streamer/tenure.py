"""A tenure: one source partition for as long as it is ours."""

from dataclasses import dataclass, field

from connectors.columns import TopicPartition
from connectors.ports import StateKey
from streamer.event_clock import EventClock
from streamer.group import Group
from streamer.origin import Origin
from streamer.partition import Partition


@dataclass(slots=True, eq=False)
class Tenure:
    """Where a partition stands.

    Readings before ``silent_until`` are stepped once more and go nowhere: the world was told of them already, by us or
    by whoever had the partition before.
    """

    group: Group
    partition: Partition
    next_offset: int
    silent_until: int  # what the group has committed
    saved_offset: int  # of the newest checkpoint
    saved_at: float  # by the engine's clock; also when saving failed, so that the next try has its time
    origin: Origin
    clock: EventClock = field(default_factory=EventClock)
    has_failed: bool = False  # the last try to save it did
    has_ended: bool = False  # the partition is ours no more; its checkpoint may still be on its way
    has_news: bool = False  # it remembers something that came of no reading, which no checkpoint knows

    @property
    def where(self) -> TopicPartition:
        """The source partition."""
        return self.partition.topic_partition

    @property
    def key(self) -> StateKey:
        """Under which its checkpoints are kept."""
        return StateKey(self.group.name, self.where)

    @property
    def is_silent(self) -> bool:
        """Whether it has not yet come to where the group is."""
        return self.next_offset < self.silent_until

    @property
    def is_saved(self) -> bool:
        """Whether the newest checkpoint has all that it remembers."""
        return self.saved_offset == self.next_offset and not (self.has_news or self.has_failed)
