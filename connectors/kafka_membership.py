"""Who we are in the consumer group, as it was right after the last poll."""

from collections.abc import Collection
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.base import MemberState

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.ports import Assigned, Event


class Membership:
    """The member that the partitions were given to, held against the member that the client now is.

    The client's own answer may change at any time, on its I/O thread: a heartbeat that the broker refuses leaves a
    member without a name, and the broker takes the offsets of such a one without asking whose they are. So it is read
    once a poll, and what is read then is what a commit must go by.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._at_assignment: tuple[int, str] | None = None
        self.snapshot: Any | None = None  # the client's group metadata, None where we are no member now

    def look(self, events: Collection[Event], owned: Collection[TopicPartition]) -> None:
        """Take the snapshot of this poll, which returned ``events`` and leaves ``owned`` as ours.

        Raises:
            DoubtError: another process has our instance id, or partitions are ours that were given to a member that we
                are no longer.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001
        with coordinator._lock:  # noqa: SLF001  # the client's threads change these together
            now = coordinator.group_metadata()
            is_stable = now.state is MemberState.STABLE and now.generation_id >= 0 and bool(now.member_id)
            # The client tells nobody that its instance id was taken: it stops its heartbeat, and goes on.
            is_fenced = is_stable and not coordinator.rejoining and not coordinator._heartbeat_enabled  # noqa: SLF001
        self.snapshot = now if is_stable and not is_fenced else None
        if is_fenced:
            raise DoubtError(
                f"kafka: poll: another process has joined group {now.group_id} as {now.group_instance_id!r}; "
                "two that live at a time need a group_instance_id each"
            )
        if not is_stable:
            return
        member = (now.generation_id, now.member_id)
        if any(isinstance(event, Assigned) for event in events):
            self._at_assignment = member
        elif owned and member != self._at_assignment:
            raise DoubtError(
                f"kafka: poll: expected to be the member {self._at_assignment} of group {now.group_id} that "
                f"{len(owned)} partitions were assigned to, got {member}"
            )
