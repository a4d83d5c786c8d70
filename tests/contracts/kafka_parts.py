"""The cases of the kafka kind: a real broker, and the plain client to put rows there and to read what was written."""

from contextlib import suppress

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as ClientPartition
from kafka.errors import TopicAlreadyExistsError

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.kafka_sink import KafkaSink
from connectors.kafka_source import KafkaSource
from connectors.ports import Sink, Source
from tests.contracts.cases import CASE_TOPICS, Rows


class KafkaSourceCase:
    is_durable = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.partition = TopicPartition(request.getfixturevalue("topic"), 0)
        self._servers = request.getfixturevalue("kafka")
        self._options = request.getfixturevalue("make_options")()

    def fill(self, rows: Rows) -> None:
        with KafkaProducer(bootstrap_servers=self._servers) as producer:
            for key, value in rows:
                producer.send(self.partition.topic, value, key=key)

    def open(self) -> Source:
        return KafkaSource(self._options, [self.partition.topic])


class KafkaSinkCase:
    """The topics outlive a test, so a case counts from the end that it found."""

    keeps_keys = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._options = request.getfixturevalue("make_options")()
        self._read_topic = request.getfixturevalue("read_topic")
        admin = request.getfixturevalue("kafka_admin")
        for topic in CASE_TOPICS:
            with suppress(TopicAlreadyExistsError):
                admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        with_ends = KafkaConsumer(bootstrap_servers=self._options.servers)
        self._ends = with_ends.end_offsets([ClientPartition(topic, 0) for topic in CASE_TOPICS])
        with_ends.close()

    def open(self, encoder: Encoder) -> Sink:
        return KafkaSink(self._options, encoder)

    def messages(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        records = self._read_topic(topic, first_offset=self._ends[ClientPartition(topic, 0)])
        return [(record.key, record.value) for record in records]


def kafka_source_case(request: pytest.FixtureRequest) -> KafkaSourceCase:
    return KafkaSourceCase(request)


def kafka_sink_case(request: pytest.FixtureRequest) -> KafkaSinkCase:
    return KafkaSinkCase(request)
