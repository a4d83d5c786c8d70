"""Delivery exactly once in memory: outputs and next offset become durable in one step, for the owner alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.ports import Columns, Delivery


@dataclass(slots=True)
class Ledger:
    """What outlives every process: outputs, next offsets, and who may write. A broker, as far as a delivery sees it."""

    durable: list[Columns] = field(default_factory=list)
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    epochs: dict[TopicPartition, int] = field(default_factory=dict)  # how often a partition was taken over


class MemoryExactlyOnce(Delivery):
    """Deliveries of one process into a ledger. Whoever opened a partition before is refused from then on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._epochs: dict[TopicPartition, int] = {}
        self._under_way: dict[TopicPartition, list[Columns]] = {}

    @override
    def open(self, partition: TopicPartition) -> None:
        epoch = self._ledger.epochs.get(partition, 0) + 1
        self._ledger.epochs[partition] = self._epochs[partition] = epoch

    @override
    def release(self, partition: TopicPartition) -> None:
        self._epochs.pop(partition, None)

    @override
    def begin(self, partition: TopicPartition) -> None:
        if partition in self._under_way or partition not in self._epochs:
            raise RuntimeError(f"begin: expected {partition} to be open, and nothing of it under way")
        self._under_way[partition] = []

    @override
    def write(self, columns: Columns) -> None:
        if not self._under_way:
            raise RuntimeError("write: expected a delivery that has begun, got none")
        self._under_way[next(reversed(self._under_way))].append(columns)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        if not self._under_way or next_offsets.keys() != self._under_way.keys():
            raise RuntimeError(f"commit: expected the next offsets of {[*self._under_way]}, got {dict(next_offsets)}")
        for partition, next_offset in next_offsets.items():
            if self._ledger.epochs[partition] != self._epochs[partition]:
                raise DoubtError(f"commit: {partition} was taken over by somebody else")
            self._ledger.durable += self._under_way.pop(partition)
            self._ledger.committed[partition] = next_offset

    @override
    def close(self) -> None:
        self._under_way.clear()
        self._epochs.clear()
