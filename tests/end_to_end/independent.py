"""A reader and a writer of topics that share no code with ours: the plain client alone."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

PATIENCE_SECONDS = 60.0
PERSISTENT = {"reconnect_backoff_max_ms": 1_000}  # where brokers come and go, the client's 30 s are a stall of ours


class Row(NamedTuple):
    """A record to be written."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp_ms: int | None = None


class TopicReader:
    """Reads a topic from its first record on, without a group. `records` has what it has seen, in offset order.

    With the isolation ``read_committed`` it sees nothing of a transaction that was not committed.
    """

    def __init__(self, bootstrap_servers: str, topic: str, isolation: str = "read_uncommitted") -> None:
        self.records: list[Any] = []
        self._topic = topic
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers, fetch_max_wait_ms=50, isolation_level=isolation, **PERSISTENT
        )
        self._partitions = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic)]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning()

    @property
    def values(self) -> list[dict[str, Any]]:
        """The records as JSON objects. NaN is no JSON."""
        return [json.loads(record.value, parse_constant=_refuse) for record in self.records]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return the values once there are so many."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.records) < count:
            assert time.monotonic() < deadline, f"{self._topic}: expected {count} records, got {len(self.records)}"
            self._poll(200)
        return self.values

    def read_to_end(self) -> list[dict[str, Any]]:
        """Return the values of everything that is there by now."""
        ends = self.ends()
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self._poll(200)
        return self.values

    def ends(self) -> dict[Any, int]:
        """The next offset to be written of every partition; only what is committed counts where only that is read."""
        found: dict[Any, int] = self._consumer.end_offsets(self._partitions)
        return found

    def close(self) -> None:
        self._consumer.close()

    def _poll(self, timeout_ms: int) -> None:
        for polled in self._consumer.poll(timeout_ms=timeout_ms).values():
            self.records += polled


@contextmanager
def reading(bootstrap_servers: str, topic: str, isolation: str = "read_uncommitted") -> Iterator[TopicReader]:
    """A reader for the time of the block."""
    reader = TopicReader(bootstrap_servers, topic, isolation)
    try:
        yield reader
    finally:
        reader.close()


def write(bootstrap_servers: str, topic: str, rows: Iterable[Row]) -> None:
    """Put records on a topic and return when they are there."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, max_request_size=4_000_000, **PERSISTENT)
    sent = [
        producer.send(topic, row.value, row.key, partition=row.partition, timestamp_ms=row.timestamp_ms) for row in rows
    ]
    producer.flush()
    producer.close()
    assert all(future.succeeded() for future in sent)


def committed(bootstrap_servers: str, group_id: str, topic: str) -> dict[int, int | None]:
    """The next offset of every partition, as the group committed it."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=group_id, enable_auto_commit=False)
    with closing(consumer):
        partitions = consumer.partitions_for_topic(topic)
        return {number: consumer.committed(TopicPartition(topic, number)) for number in partitions}


def ends(bootstrap_servers: str, topic: str, isolation: str = "read_uncommitted") -> dict[int, int]:
    """The next offset to be written of every partition; with ``read_committed`` that of the first open transaction."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap_servers, isolation_level=isolation)) as consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        return {partition.partition: end for partition, end in consumer.end_offsets(partitions).items()}


def topics(bootstrap_servers: str) -> set[str]:
    """The names of all topics there are."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap_servers)) as consumer:
        return set(consumer.topics())


def _refuse(constant: str) -> None:
    raise ValueError(f"expected JSON, got {constant}")
