"""A delivery that leaves everything to another one, for those that look on."""

from collections.abc import Mapping

from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.ports import Columns, Delivery


class Delegate(Delivery):
    """Does what the other does."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    @override
    def open(self, partition: TopicPartition) -> None:
        self._delivery.open(partition)

    @override
    def release(self, partition: TopicPartition) -> None:
        self._delivery.release(partition)

    @override
    def begin(self, partition: TopicPartition) -> None:
        self._delivery.begin(partition)

    @override
    def write(self, columns: Columns) -> None:
        self._delivery.write(columns)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        self._delivery.commit(next_offsets)

    @override
    def close(self) -> None:
        self._delivery.close()
