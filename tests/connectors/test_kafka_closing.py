"""A client that is closed while answers come reads none from a socket that is gone."""

import logging
import threading
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.net.transport import KafkaTCPTransport

from connectors.kafka_closing import close_administrator, close_consumer

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 10.0
READ_SECONDS = 0.5


class SlowReads:
    """Every read of a client begins, and goes on when the socket is closed or that has not happened for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._has_begun, self._is_closed = threading.Event(), threading.Event()
        read, close = KafkaTCPTransport._sock_recv, KafkaTCPTransport._close  # noqa: SLF001

        def read_slowly(transport: Any) -> Any:
            self._has_begun.set()
            self._is_closed.wait(READ_SECONDS)
            return read(transport)

        def close_and_say_so(transport: Any, error: Any = None) -> None:
            close(transport, error)
            self._is_closed.set()

        monkeypatch.setattr(KafkaTCPTransport, "_sock_recv", read_slowly)
        monkeypatch.setattr(KafkaTCPTransport, "_close", close_and_say_so)

    def begin(self, client: Any) -> None:
        """Ask for something, and return when the answer is being read."""
        self._has_begun.clear()
        self._is_closed.clear()
        client._manager.cluster.request_update()  # noqa: SLF001
        assert self._has_begun.wait(PATIENCE_SECONDS)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> SlowReads:
    return SlowReads(monkeypatch)


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info]


def test_an_administrator_is_closed_while_it_reads(
    kafka: str, reads: SlowReads, caplog: pytest.LogCaptureFixture
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    reads.begin(admin)

    with caplog.at_level(logging.WARNING, "kafka"):
        close_administrator(admin)

    assert tracebacks(caplog) == []


def test_a_consumer_that_has_left_its_group_is_closed_while_it_reads(
    kafka: str, reads: SlowReads, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = KafkaConsumer(bootstrap_servers=kafka)
    leave = consumer._coordinator.close  # noqa: SLF001

    def leave_and_read(**settings: Any) -> None:
        leave(**settings)
        reads.begin(consumer)

    monkeypatch.setattr(consumer._coordinator, "close", leave_and_read)  # noqa: SLF001

    with caplog.at_level(logging.WARNING, "kafka"):
        close_consumer(consumer)

    assert tracebacks(caplog) == []
