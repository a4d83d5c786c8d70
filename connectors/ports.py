"""The ports of the daemon: where readings come from, where columns and state go, and what makes them permanent."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from connectors.columns import Alarms, Records, Rejects, Results, Silences, TopicPartition
from connectors.drifts import Drifts


@dataclass(frozen=True, slots=True)
class Assigned:
    """These partitions are ours from here on."""

    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class Revoked:
    """These partitions leave us in good order: what is done may still be committed."""

    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """These partitions belong to somebody else already: nothing of them may be committed."""

    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """Records of one of our partitions were deleted before they were read, and the source goes on behind them."""

    partition: TopicPartition
    offset: int  # that should have been the next
    oldest: int  # that is


@dataclass(frozen=True, slots=True)
class Ended:
    """A finite source has delivered its last record. Kafka never says so."""


Event = Assigned | Revoked | Lost | Gone | Ended
Columns = Results | Alarms | Silences | Drifts | Rejects


class Topic(NamedTuple):
    """What tells a topic from another one of its name, and how large it is."""

    id: str  # another one once it was deleted and made anew; empty where the source cannot tell
    partitions: int


class Source(Protocol):
    """Where records come from. One thread calls every method."""

    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        """Return what happened, in order; an empty list once the time is up.

        Records of a partition come in offset order, only between its `Assigned` and its `Revoked` or `Lost`, never
        while it is paused, and none before the first `seek` after its `Assigned` said where to begin. Blocks for the
        time-out at most.

        Raises:
            TransientError: the source cannot be reached now; polling again may help.
            OffsetGoneError: records were deleted before they were read, and that is not to be passed over.
            DoubtError: our place is taken, or a partition does not move although there is something to read.
        """
        ...

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Deliver nothing more of these partitions until `resume`. Polling must go on."""
        ...

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Deliver these partitions again, from where they were paused."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Make ``offset`` the next one to be delivered of an assigned partition."""
        ...

    def committed(self, partition: TopicPartition) -> int | None:
        """The next offset as it was committed last, None where nothing was.

        Waits for a transaction that is under way, so that the answer is not overtaken.

        Raises:
            TransientError: the answer is not to be had now.
        """
        ...

    def first_offset(self, partition: TopicPartition) -> int:
        """Where a partition begins that was never committed, as the configuration says.

        Raises:
            TransientError: the answer is not to be had now.
        """
        ...

    def oldest_offset(self, partition: TopicPartition) -> int:
        """The first offset that is still there to be read; the end where there is none.

        Raises:
            TransientError: the answer is not to be had now.
        """
        ...

    def topic(self, name: str) -> Topic:
        """The topic as it is when its partitions are assigned, or later.

        Raises:
            TransientError: the answer is not to be had now.
        """
        ...

    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Make these next offsets the committed ones, and return when they are.

        Raises:
            DoubtError: the outcome is unknown, or the partition belongs to somebody else.
        """
        ...

    def lag(self, partition: TopicPartition) -> int | None:
        """Records between the next one to be delivered and the end, None where that is not known."""
        ...

    def close(self) -> None:
        """Leave without committing anything. A second call does nothing."""
        ...


class Log(Protocol):
    """The records of source partitions as they are now, whoever reads them.

    Every method raises TransientError where the answer is not to be had now.
    """

    def partitions(self, topics: Collection[str], patterns: Collection[str]) -> list[TopicPartition]:
        """All partitions of the topics named and of those that match a pattern as a whole, in order.

        Raises:
            ConfigError: a topic that is named does not exist.
        """
        ...

    def topic(self, name: str) -> Topic:
        """The topic as it is now."""
        ...

    def oldest(self, partition: TopicPartition) -> int:
        """The first offset that is still there to be read; the end where there is none."""
        ...

    def end(self, partition: TopicPartition) -> int:
        """The offset behind the last one that may be read."""
        ...

    def at_time(self, partition: TopicPartition, timestamp_ms: int) -> int:
        """The offset of the first record with this timestamp or a later one, the end where there is none."""
        ...


class ConsumerGroup(Log, Protocol):
    """A consumer group as it is seen, and moved, from outside."""

    def members(self) -> list[str]:
        """Those that are in it now, as a person knows them again."""
        ...

    def committed(self, partition: TopicPartition) -> int | None:
        """The next offset as it was committed last, None where nothing was. Waits for a transaction under way."""
        ...

    def move(self, partition: TopicPartition, next_offset: int) -> None:
        """Make this the next offset, and return when it is.

        Raises:
            ConfigError: somebody is a member; nothing has changed.
            DoubtError: the outcome is unknown.
        """
        ...


class Sink(Protocol):
    """Where columns go. The sink's format decides how many records they become."""

    def write(self, columns: Columns) -> None:
        """Take the columns. They may still be lost until `flush` returns. May block while buffers are full."""
        ...

    def flush(self) -> None:
        """Return when everything written is durable.

        Raises:
            TransientError: something written is not, or that is unknown.
        """
        ...

    def close(self) -> None:
        """Release what is held, without a flush. A second call does nothing."""
        ...


class Delivery(Protocol):
    """What makes the outputs of one source partition permanent together with its next offset.

    After any error it is of no more use: what was under way may or may not be there, and the process must end.
    """

    def open(self, partition: TopicPartition) -> None:
        """Take over a source partition, before `Source.committed` is asked.

        What a predecessor left under way is ended, and whatever it still tries to write of this partition is refused.

        Raises:
            TransientError: the sink cannot be reached now.
        """
        ...

    def release(self, partition: TopicPartition) -> None:
        """Let go of a source partition that has left us. Nothing of it may be under way."""
        ...

    def begin(self, partition: TopicPartition) -> None:
        """Start a delivery for one source partition. Those of other partitions may be under way."""
        ...

    def write(self, columns: Columns) -> None:
        """Add columns to the delivery that was begun last."""
        ...

    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Make everything since `begin` permanent, and these the next offsets to read: of all that have begun.

        Each partition's outputs and offset become permanent together; those of some may when those of others do not.

        Raises:
            DoubtError: the outcome is unknown, or somebody else has taken the partition over.
        """
        ...

    def close(self) -> None:
        """Release what is held, without a commit. A second call does nothing."""
        ...


class StateKey(NamedTuple):
    """Whose state: of one group in one source partition."""

    group: str
    topic_partition: TopicPartition


Buffer = bytes | bytearray | memoryview


class CheckpointStore(Protocol):
    """Where checkpoints are kept: immutable contents under the names (key, next offset).

    Calls may come from any one thread at a time. Publishing a name again replaces it, whole or not at all.
    """

    def publish(self, key: StateKey, next_offset: int, content: Iterable[Buffer]) -> int:
        """Keep a checkpoint, whole or not at all, and return when it is durable. -> its bytes.

        Raises:
            StoreError: it could not be kept; those before it are untouched.
        """
        ...

    def offsets(self, key: StateKey) -> list[int]:
        """The next offsets of the checkpoints that are there, in rising order.

        Raises:
            StoreError: the store cannot be read.
        """
        ...

    def load(self, key: StateKey, next_offset: int) -> Buffer:
        """The content as it was published, as far as the store can tell.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        ...

    def prune(self, key: StateKey, next_offsets: Collection[int]) -> None:
        """Forget these checkpoints for good, in this order. One that is not there is none the worse.

        Raises:
            StoreError: one could not be removed.
        """
        ...
