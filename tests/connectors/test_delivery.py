"""Delivery at least once: outputs are durable before their offsets are committed."""

from collections.abc import Mapping

import pytest
from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.errors import TransientError
from connectors.memory import MemorySink, MemorySource
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


def test_a_flush_that_fails_commits_nothing() -> None:
    calls: list[str] = []
    source = RecordingSource(calls)
    delivery = AtLeastOnce(RecordingSink(calls, fails=True), source)
    delivery.begin(FIRST)
    delivery.write(results_of(["a"]))

    with pytest.raises(TransientError, match="two messages are not durable"):
        delivery.commit({FIRST: 17})

    assert calls == ["flush"]
    assert source.committed(FIRST) is None


def test_an_abort_commits_nothing_and_the_next_delivery_may_begin() -> None:
    calls: list[str] = []
    source = RecordingSource(calls)
    delivery = AtLeastOnce(RecordingSink(calls), source)
    delivery.begin(FIRST)
    delivery.write(results_of(["a"]))

    delivery.abort()
    delivery.begin(SECOND)
    delivery.commit({SECOND: 1})

    assert source.committed(FIRST) is None
    assert source.committed(SECOND) == 1


def test_calls_out_of_order_are_refused() -> None:
    delivery = AtLeastOnce(MemorySink(), MemorySource([]))

    with pytest.raises(RuntimeError, match="write: expected a delivery that has begun"):
        delivery.write(results_of(["a"]))
    delivery.begin(FIRST)
    with pytest.raises(RuntimeError, match="begin: expected no delivery under way"):
        delivery.begin(SECOND)
    with pytest.raises(RuntimeError, match=r"commit: expected the next offset of TopicPartition.*partition=0"):
        delivery.commit({SECOND: 1})


def test_closing_twice_flushes_nothing() -> None:
    calls: list[str] = []
    delivery = AtLeastOnce(RecordingSink(calls), RecordingSource(calls))

    delivery.close()
    delivery.close()

    assert calls == []
