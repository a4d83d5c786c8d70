"""The ports of the daemon: where readings come from, where columns go, and what makes both permanent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from connectors.columns import Alarms, Records, Rejects, Results, TopicPartition


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
class Ended:
    """A finite source has delivered its last record. Kafka never says so."""


Event = Assigned | Revoked | Lost | Ended
Columns = Results | Alarms | Rejects


class Source(Protocol):
    """Where records come from. One thread calls every method."""

    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        """Return what happened, in order; an empty list once the time is up.

        Records of a partition come in offset order, only between its `Assigned` and its `Revoked` or `Lost`, and never
        while it is paused. Blocks for the time-out at most.

        Raises:
            TransientError: the source cannot be reached now; polling again may help.
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
        """The next offset as it was committed last, None where nothing was."""
        ...

    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Make these next offsets the committed ones, and return when they are.

        Raises:
            TransientError: the outcome is unknown.
        """
        ...

    def lag(self, partition: TopicPartition) -> int | None:
        """Records between the next one to be delivered and the end, None where that is not known."""
        ...

    def close(self) -> None:
        """Leave without committing anything. A second call does nothing."""
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
    """What makes the outputs of one source partition permanent together with its next offset."""

    def begin(self, partition: TopicPartition) -> None:
        """Start a delivery for one source partition."""
        ...

    def write(self, columns: Columns) -> None:
        """Add columns to the delivery that has begun."""
        ...

    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Make everything since `begin` permanent, and these the next offsets to read.

        Raises:
            TransientError: the outcome is unknown; the process must not go on with the state it has.
        """
        ...

    def abort(self) -> None:
        """Give up what was written since `begin`, as far as the sink can."""
        ...

    def close(self) -> None:
        """Release what is held, without a commit. A second call does nothing."""
        ...
