"""Delivery at least once: outputs are durable before their offsets are committed."""

from collections.abc import Mapping

import pytest
from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.errors import DoubtError, TransientError
from connectors.memory import MemorySink, MemorySource
from connectors.ports import Columns
from tests.connectors.columns_samples import results_of

FIRST = TopicPartition("machines", 0)
SECOND = TopicPartition("machines", 1)


class RecordingSink(MemorySink):
    def __init__(self, calls: list[str], *, fails: bool = False) -> None:
        super().__init__()
        self._calls = calls
        self._fails = fails

    @override
    def flush(self) -> None:
        self._calls.append("flush")
        if self._fails:
            raise TransientError("two messages are not durable")
        super().flush()


class RecordingSource(MemorySource):
    def __init__(self, calls: list[str]) -> None:
        super().__init__([])
        self._calls = calls

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        self._calls.append("commit")
        super().commit(next_offsets)


def test_outputs_are_flushed_before_offsets_are_committed() -> None:
    calls: list[str] = []
    sink, source = RecordingSink(calls), RecordingSource(calls)
    delivery = AtLeastOnce(sink, source)
    results = results_of(["a"])

    delivery.begin(FIRST)
    delivery.write(results)
    delivery.commit({FIRST: 17})

    assert calls == ["flush", "commit"]
    assert sink.durable == [results]
    assert source.committed(FIRST) == 17


def test_a_flush_that_fails_commits_nothing_and_leaves_a_doubt() -> None:
    calls: list[str] = []
    source = RecordingSource(calls)
    delivery = AtLeastOnce(RecordingSink(calls, fails=True), source)
    delivery.begin(FIRST)
    delivery.write(results_of(["a"]))

    with pytest.raises(DoubtError, match="two messages are not durable: the outcome is unknown"):
        delivery.commit({FIRST: 17})

    assert calls == ["flush"]
    assert source.committed(FIRST) is None


def test_a_write_that_fails_leaves_a_doubt() -> None:
    class FullSink(MemorySink):
        @override
        def write(self, columns: Columns) -> None:
            raise TransientError("the buffer stayed full")

    delivery = AtLeastOnce(FullSink(), MemorySource([]))
    delivery.begin(FIRST)

    with pytest.raises(DoubtError, match="the buffer stayed full: the outcome is unknown"):
        delivery.write(results_of(["a"]))


def test_partitions_take_turns_and_may_come_and_go() -> None:
    source = MemorySource([])
    delivery = AtLeastOnce(MemorySink(), source)
    delivery.open(FIRST)
    delivery.open(SECOND)

    for partition in (FIRST, SECOND):
        delivery.begin(partition)
        delivery.commit({partition: 1 + partition.partition})
        delivery.release(partition)

    assert (source.committed(FIRST), source.committed(SECOND)) == (1, 2)


def test_deliveries_of_several_partitions_are_committed_together() -> None:
    calls: list[str] = []
    source = RecordingSource(calls)
    delivery = AtLeastOnce(RecordingSink(calls), source)
    for partition in (FIRST, SECOND):
        delivery.begin(partition)
        delivery.write(results_of(["a"]))

    delivery.commit({FIRST: 3, SECOND: 5})

    assert calls == ["flush", "commit"]
    assert (source.committed(FIRST), source.committed(SECOND)) == (3, 5)


def test_calls_out_of_order_are_refused() -> None:
    delivery = AtLeastOnce(MemorySink(), MemorySource([]))

    with pytest.raises(RuntimeError, match="write: expected a delivery that has begun"):
        delivery.write(results_of(["a"]))
    delivery.begin(FIRST)
    with pytest.raises(RuntimeError, match=r"begin: expected no delivery of TopicPartition.*partition=0"):
        delivery.begin(FIRST)
    with pytest.raises(RuntimeError, match=r"commit: expected the next offsets of \{TopicPartition.*partition=0"):
        delivery.commit({SECOND: 1})


def test_closing_twice_flushes_nothing() -> None:
    calls: list[str] = []
    delivery = AtLeastOnce(RecordingSink(calls), RecordingSource(calls))

    delivery.close()
    delivery.close()

    assert calls == []
