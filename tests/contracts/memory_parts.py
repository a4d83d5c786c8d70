"""The cases of the memory kind: a script, and columns that stay in the process."""

import pytest

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.memory import MemorySink, MemorySource, Script, records_of
from connectors.memory_store import Contents, MemoryStore
from connectors.ports import Assigned, CheckpointStore, Sink, Source
from tests.contracts.cases import Rows

PARTITION = TopicPartition("machines", 0)


class MemorySourceCase:
    partition = PARTITION
    is_durable = True

    def __init__(self) -> None:
        self._committed: dict[TopicPartition, int] = {}
        self._script: Script = [Assigned((PARTITION,))]

    def fill(self, rows: Rows) -> None:
        middle = len(rows) // 2
        self._script = [
            Assigned((PARTITION,)),
            records_of(PARTITION, rows[:middle]),
            records_of(PARTITION, rows[middle:], first_offset=middle),
        ]

    def open(self) -> Source:
        return MemorySource(self._script, self._committed)


class MemorySinkCase:
    keeps_keys = True

    def __init__(self) -> None:
        self._sinks: list[tuple[MemorySink, Encoder]] = []

    def open(self, encoder: Encoder) -> Sink:
        sink = MemorySink()
        self._sinks.append((sink, encoder))
        return sink

    def messages(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        return [
            (message.key, message.value)
            for sink, encoder in self._sinks
            for columns in sink.durable
            for message in encoder.encode(columns)
            if message.topic == topic
        ]


class MemoryStoreCase:
    def __init__(self) -> None:
        self._contents: Contents = {}

    def open(self) -> CheckpointStore:
        return MemoryStore(self._contents)


def memory_source_case(_request: pytest.FixtureRequest) -> MemorySourceCase:
    return MemorySourceCase()


def memory_sink_case(_request: pytest.FixtureRequest) -> MemorySinkCase:
    return MemorySinkCase()


def memory_store_case(_request: pytest.FixtureRequest) -> MemoryStoreCase:
    return MemoryStoreCase()
