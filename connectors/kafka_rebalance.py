"""The hand-over of partitions between the group and the one thread that polls."""

from collections import deque
from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer

from connectors.columns import TopicPartition
from connectors.ports import Assigned, Lost, Revoked


class Handover(BaseException):  # not an Exception: the client logs those of listeners with a traceback and goes on
    """Takes a poll that found a rebalance back to its caller, before the old generation is left."""


class Handovers(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """Notes what happens to partitions, in order. Called on the client's I/O thread, so it does nothing that blocks.

    Revoked: the client would join the new generation while the caller still holds work of the old one. So the first
    call notes it and raises `Handover` out of the poll; the caller finishes and commits, still as a member of the old
    generation; the next poll asks again and is let through.

    Assigned: the partitions are paused at offset 0 and wait for the caller to seek. Nothing of them is fetched before,
    also where the client kept them through the rebalance together with a position that is ahead of what was committed.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self.events: deque[Assigned | Revoked | Lost] = deque()
        self._consumer = consumer
        self._is_announced = False
        self._is_leaving = False

    def leave(self) -> None:
        """Let every rebalance pass from here on without a note: nobody polls any more."""
        self._is_leaving = True

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note that these will leave us.

        Raises:
            Handover: on the first call of a rebalance.
        """
        if self._is_leaving or not revoked:
            return
        self._is_announced = not self._is_announced
        if self._is_announced:
            self.events.append(Revoked(_sorted(revoked)))
            # Without it the client may find the rebalance needless by the next poll, and never fetch these again.
            self._consumer._coordinator.request_rejoin()  # noqa: SLF001
            raise Handover

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Note that these have left us."""
        self._is_announced = False
        if not self._is_leaving:
            self.events.append(Lost(_sorted(lost)))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold these at no position, and note that they are ours."""
        self._is_announced = False
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
        self.events.append(Assigned(_sorted(assigned)))


def _sorted(partitions: Iterable[TopicPartition]) -> tuple[TopicPartition, ...]:
    return tuple(TopicPartition(*partition) for partition in sorted(partitions))
