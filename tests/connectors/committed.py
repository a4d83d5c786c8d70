"""What a group reads and what it writes, as somebody sees both who takes only what was committed."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.kafka_options import KafkaOptions
from connectors.kafka_transactions import ExactlyOnce, transactional_id
from connectors.outputs import OutputOptions, ResultsOptions

PATIENCE_SECONDS = 20.0
HASTY: dict[str, Any] = {
    "request_timeout_seconds": 0.5,
    "delivery_timeout_seconds": 1.0,
    "transaction_timeout_seconds": 1.0,
}


class Topics:
    """A source topic of two partitions, a topic of results, and deliveries from one to the other."""

    def __init__(self, kafka: str, make_topic: Callable[..., str], make_options: Callable[..., KafkaOptions]) -> None:
        self._servers = kafka
        self._make_topic = make_topic
        self.make_options = make_options
        self.options = make_options()
        self.source = make_topic(partitions=2)
        self.results = make_topic(prefix="results")
        self.first, self.second = (TopicPartition(self.source, partition) for partition in range(2))
        self.deliveries: list[ExactlyOnce] = []

    def delivery(self, membership: Callable[[], Any], results: str | None = None, **changes: Any) -> ExactlyOnce:
        """A delivery of this group to the results, or to another topic."""
        options = self.make_options(group_id=self.options.group_id, **changes)
        encoder = Encoder(OutputOptions(results=ResultsOptions(topic=results or self.results)))
        self.deliveries.append(ExactlyOnce(options, encoder, membership))
        return self.deliveries[-1]

    def narrow(self) -> str:
        """A topic that takes no record of any size."""
        return self._make_topic(configs={"max.message.bytes": "200"})

    @contextmanager
    def reader(self, isolation_level: str = "read_committed") -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=self.options.group_id,
            isolation_level=isolation_level,
            enable_auto_commit=False,
        )
        yield consumer
        consumer.close()

    def end(self, isolation_level: str = "read_committed") -> int:
        with self.reader(isolation_level) as consumer:
            partition = ClientPartition(self.results, 0)
            end: int = consumer.end_offsets([partition])[partition]
            return end

    def series(self) -> list[str]:
        """Of the results that are committed, in order."""
        with self.reader() as consumer:
            partition = ClientPartition(self.results, 0)
            consumer.assign([partition])
            consumer.seek(partition, 0)
            end = consumer.end_offsets([partition])[partition]
            records: list[Any] = []
            while consumer.position(partition) < end:
                for polled in consumer.poll(timeout_ms=1_000).values():
                    records += polled
        return [json.loads(record.value)["series"] for record in records]

    def committed(self, partition: TopicPartition) -> int | None:
        with self.reader() as consumer:
            offset: int | None = consumer.committed(ClientPartition(*partition), timeout_ms=10_000)
            return offset

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """A predecessor that stopped in the middle of a delivery of the first partition, behind offset 5."""
        producer = KafkaProducer(
            **self.options.transactional_config(transactional_id(self.options.group_id, self.first))
        )
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(self.results, b'{"series":"hanging"}').get(timeout=PATIENCE_SECONDS)
        offsets = {ClientPartition(*self.first): OffsetAndMetadata(5, "", -1)}
        producer.send_offsets_to_transaction(offsets, self.options.group_id)
        yield
        producer._sender.force_close()  # noqa: SLF001
        producer.close(timeout=5.0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "still waiting"
