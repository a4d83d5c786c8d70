"""The watchdog over a consumer: notices a partition that has records to read and does not move."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from kafka import KafkaConsumer
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.kafka_offsets import Offsets, name


class _Stand(NamedTuple):
    position: int
    since: float


class Watchdog:
    """The client tells nobody that its loop has died or lost a partition: polls then find nothing, for ever."""

    def __init__(
        self, consumer: KafkaConsumer, offsets: Offsets, limit_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._stands: dict[TopicPartition, _Stand] = {}

    def look(self, flowing: Collection[TopicPartition]) -> None:
        """Take note of where the partitions stand that should move. Brokers are asked for the ends of those at rest.

        Raises:
            DoubtError: one has stood still for the limit, though there is something to read.
            TransientError: its end is not to be had now.
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
            elif now - stand.since >= self._limit_seconds:
                self._demand_the_end(partition, position)
                self._stands[partition] = _Stand(position, now)

    def _position(self, partition: TopicPartition) -> int | None:
        key = ClientPartition(*partition)
        return self._consumer.position(key, timeout_ms=0) if key in self._consumer.assignment() else None

    def _demand_the_end(self, partition: TopicPartition, position: int) -> None:
        end = self._offsets.end(partition)
        if end > position:
            raise DoubtError(
                f"kafka: {name(partition)}: expected to read the records from {position} to {end}, "
                f"got none of them for {self._limit_seconds:g} s"
            )
