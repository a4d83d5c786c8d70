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
        self._under_way: tuple[TopicPartition, list[Columns]] | None = None

    @override
    def open(self, partition: TopicPartition) -> None:
        epoch = self._ledger.epochs.get(partition, 0) + 1
        self._ledger.epochs[partition] = self._epochs[partition] = epoch

    @override
    def release(self, partition: TopicPartition) -> None:
        self._epochs.pop(partition, None)

    @override
    def begin(self, partition: TopicPartition) -> None:
        if self._under_way is not None or partition not in self._epochs:
            raise RuntimeError(f"begin: expected {partition} to be open and nothing under way, got {self._under_way}")
        self._under_way = (partition, [])

    @override
    def write(self, columns: Columns) -> None:
        if self._under_way is None:
            raise RuntimeError("write: expected a delivery that has begun, got none")
        self._under_way[1].append(columns)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        if self._under_way is None or set(next_offsets) != {self._under_way[0]}:
            raise RuntimeError(f"commit: expected the next offset of {self._under_way}, got {dict(next_offsets)}")
        partition, written = self._under_way
        if self._ledger.epochs[partition] != self._epochs[partition]:
            raise DoubtError(f"commit: {partition} was taken over by somebody else")
        self._ledger.durable += written
        self._ledger.committed.update(next_offsets)
        self._under_way = None

    @override
    def close(self) -> None:
        self._under_way = None
        self._epochs.clear()
