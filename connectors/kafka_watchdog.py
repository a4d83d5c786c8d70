"""The watchdog over a consumer: notices a partition that has records to read and does not move."""

import logging
from collections.abc import Callable, Collection
from typing import NamedTuple

from kafka import KafkaConsumer
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.errors import DoubtError, TransientError
from connectors.kafka_offsets import Offsets, name

log = logging.getLogger(__name__)


class _Stand(NamedTuple):
    position: int
    since: float
    end: int | None = None  # what is known to wait behind the position


class Watchdog:
    """The client tells nobody that its loop has died or lost a partition: polls then find nothing, for ever.

    A partition at rest is asked for its end at half of the limit. What is there by then has the other half to be read:
    a record that has only just come is no reason to end.
    """

    def __init__(
        self, consumer: KafkaConsumer, offsets: Offsets, limit_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._stands: dict[TopicPartition, _Stand] = {}

    def look(self, flowing: Collection[TopicPartition]) -> None:
        """Take note of where the partitions stand that should move. To be called before a poll: an error costs nothing.

        Brokers that do not tell an end now are asked again half a limit later: whether they are there is for others.

        Raises:
            DoubtError: one has stood still for the limit, though there is something to read.
        """
        now = self._clock()
        self._stands = {partition: stand for partition, stand in self._stands.items() if partition in flowing}
        for partition in flowing:
            position = self._position(partition)
            stand = self._stands.get(partition)
            if position is None:
                continue
            if stand is None or stand.position != position:
                self._stands[partition] = _Stand(position, now)
            elif now - stand.since >= self._limit_seconds / 2:
                try:
                    self._stands[partition] = _Stand(position, now, self._demand_the_end(partition, stand))
                except TransientError as error:
                    log.warning("%s", error)
                    self._stands = {each: stand._replace(since=now) for each, stand in self._stands.items()}
                    return

    def _position(self, partition: TopicPartition) -> int | None:
        key = ClientPartition(*partition)
        return self._consumer.position(key, timeout_ms=0) if key in self._consumer.assignment() else None

    def _demand_the_end(self, partition: TopicPartition, stand: _Stand) -> int | None:
        """The end of a partition that stands before it, None where it stands at its end."""
        if stand.end is not None:
            raise DoubtError(
                f"kafka: {name(partition)}: expected to read the records from {stand.position} to {stand.end}, "
                f"got none of them, at rest for {self._limit_seconds:g} s"
            )
        end = self._offsets.end(partition)
        return end if end > stand.position else None
