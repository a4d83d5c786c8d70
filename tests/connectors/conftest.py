"""What the tests of the Kafka connector share: readers of a real broker, and a wire that can be cut."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest
from kafka import KafkaProducer

from connectors.columns import Records, TopicPartition
from connectors.kafka_options import KafkaOptions
from connectors.kafka_source import KafkaSource
from connectors.kafka_transactions import ExactlyOnce
from connectors.ports import Assigned, Event, Lost, Revoked
from tests.connectors.committed import PATIENCE_SECONDS, Topics
from tests.contracts.cases import place


class Reader:
    """A source, and everything it said so far: partitions begin behind what was committed, else at their first offset.

    It commits what it has when partitions leave it, if it is careful.
    """

    is_careful = False

    def __init__(self, source: KafkaSource) -> None:
        self.source = source
        self.events: list[Event] = []
        self.records: list[Records] = []

    @property
    def values(self) -> list[bytes | None]:
        return [value for records in self.records for value in records.value]

    @property
    def next_offsets(self) -> dict[TopicPartition, int]:
        return {records.topic_partition: records.next_offset for records in self.records}

    @property
    def owned(self) -> set[TopicPartition]:
        owned: set[TopicPartition] = set()
        for event in self.events:
            if isinstance(event, Assigned):
                owned.update(event.partitions)
            elif isinstance(event, Revoked | Lost):
                owned.difference_update(event.partitions)
        return owned

    def poll(self) -> None:
        polled = self.source.poll(0.1)
        place(self.source, polled)
        for happened in polled:
            if isinstance(happened, Records):
                self.records.append(happened)
                continue
            self.events.append(happened)
            if isinstance(happened, Revoked) and self.is_careful:
                delivered = self.next_offsets
                self.source.commit({key: delivered[key] for key in happened.partitions if key in delivered})

    def poll_until(self, condition: Callable[[], bool], *others: "Reader") -> None:
        """Poll this reader and the others in turn until the condition holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"still waiting; so far {self.events} and {len(self.values)} records"
            for reader in (self, *others):
                reader.poll()


@pytest.fixture
def opened() -> Iterator[Callable[..., Reader]]:
    """``opened(options, topics, patterns, instance_id="a")`` is a reader, closed after the test."""
    readers: list[Reader] = []

    def open_reader(
        options: KafkaOptions,
        topics: Sequence[str] = (),
        patterns: Sequence[str] = (),
        instance_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Reader:
        readers.append(Reader(KafkaSource(options, topics, patterns, instance_id, clock)))
        return readers[-1]

    yield open_reader
    for reader in readers:
        reader.source.close()


@pytest.fixture
def put(kafka: str) -> Iterator[Callable[..., None]]:
    """``put(topic, values, partition=0, timestamp_ms=None)`` by the plain client."""
    producer = KafkaProducer(bootstrap_servers=kafka, max_request_size=4_000_000)

    def put_values(topic: str, values: Sequence[bytes], partition: int = 0, timestamp_ms: int | None = None) -> None:
        for value in values:
            producer.send(topic, value, key=b"k", partition=partition, timestamp_ms=timestamp_ms)
        producer.flush()

    yield put_values
    producer.close()


class Relay(socketserver.ThreadingTCPServer):
    """A wire to a server that can be cut: afterwards its address refuses connections."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        super().__init__(("127.0.0.1", 0), RelayedConnection)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def cut(self) -> None:
        self.shutdown()
        self.socket.close()


class RelayedConnection(socketserver.BaseRequestHandler):
    """Carries bytes both ways until one side ends."""

    server: "Relay"

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as target:
            back = threading.Thread(target=carry, args=(target, self.request), daemon=True)
            back.start()
            carry(self.request, target)
            back.join()


def carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65_536):
            sink.sendall(received)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(kafka: str) -> Iterator[Relay]:
    """A second address of the broker, good for the first question: the broker answers with its own address."""
    wire = Relay(kafka)
    yield wire
    wire.cut()


@pytest.fixture
def topics(kafka: str, make_topic: Callable[..., str], make_options: Callable[..., KafkaOptions]) -> Iterator[Topics]:
    """A source and results of their own; the deliveries are closed after the test."""
    made = Topics(kafka, make_topic, make_options)
    yield made
    for delivery in made.deliveries:
        delivery.close()


@pytest.fixture
def member(topics: Topics, opened: Callable[..., Reader]) -> Reader:
    """A reader that owns both partitions of the source."""
    reader = opened(topics.options, [topics.source])
    reader.poll_until(lambda: len(reader.owned) == 2)
    return reader


@pytest.fixture
def delivery(topics: Topics, member: Reader) -> ExactlyOnce:
    """A delivery with both partitions open."""
    made = topics.delivery(lambda: member.source.membership)
    made.open(topics.first)
    made.open(topics.second)
    return made
