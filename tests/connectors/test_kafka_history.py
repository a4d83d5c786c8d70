"""Spans of what a real broker holds, read without a group."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka import TopicPartition as ClientPartition

from connectors.columns import Records, TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_history import KafkaHistory, Span, reader
from connectors.kafka_options import KafkaOptions
from connectors.ports import Assigned, Ended

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 30.0
MakeOptions = Callable[..., KafkaOptions]
Put = Callable[..., None]


@contextmanager
def history(
    options: KafkaOptions, spans: dict[TopicPartition, Span], *, is_resumed: bool = False
) -> Iterator[KafkaHistory]:
    source = KafkaHistory(options, reader(options), spans, is_resumed=is_resumed)
    try:
        yield source
    finally:
        source.close()


def read_to_end(source: KafkaHistory) -> dict[TopicPartition, list[int]]:
    """Everything up to `Ended`, each partition from where it is committed or begins."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    offsets: dict[TopicPartition, list[int]] = {}
    while True:
        assert time.monotonic() < deadline, f"no end; so far {offsets}"
        for entry in source.poll(0.1):
            if isinstance(entry, Assigned):
                for where in entry.partitions:
                    committed = source.committed(where)
                    source.seek(where, source.first_offset(where) if committed is None else committed)
            if isinstance(entry, Records):
                offsets.setdefault(entry.topic_partition, []).extend(entry.offset.tolist())
            if isinstance(entry, Ended):
                return offsets


def test_a_span_is_read_and_nothing_before_or_behind_it(topic: str, make_options: MakeOptions, put: Put) -> None:
    put(topic, [b"x"] * 20)
    where = TopicPartition(topic, 0)

    with history(make_options(), {where: Span(5, 12)}) as source:
        before = source.left
        offsets = read_to_end(source)
        after, records = source.left, source.records

    assert offsets == {where: list(range(5, 12))}
    assert (before, after, records) == (7, 0, 7)


def test_what_is_written_meanwhile_and_partitions_without_a_span_delay_no_end(
    make_topic: Callable[..., str], make_options: MakeOptions, put: Put
) -> None:
    topic = make_topic(partitions=2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    put(topic, [b"x"] * 4)

    with history(make_options(), {first: Span(0, 4), second: Span(0, 0)}) as source:
        put(topic, [b"late"] * 3)
        put(topic, [b"late"] * 3, partition=1)
        offsets = read_to_end(source)

    assert offsets == {first: [0, 1, 2, 3]}


def test_aborted_records_are_passed_over_and_the_marks_of_transactions_delay_no_end(
    topic: str, make_options: MakeOptions, kafka: str
) -> None:
    where = TopicPartition(topic, 0)
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=topic)
    producer.init_transactions()
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        for _ in range(3):
            producer.send(topic, b"x", partition=0)
        producer.flush()
        end()
    producer.close()

    with history(make_options(), {where: Span(0, 8)}) as source:  # three records and a mark, twice
        offsets = read_to_end(source)

    assert offsets == {where: [0, 1, 2]}


def test_an_end_on_a_mark_between_records_is_reached(topic: str, make_options: MakeOptions, kafka: str) -> None:
    where = TopicPartition(topic, 0)
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=topic)
    producer.init_transactions()
    for _ in range(3):
        producer.begin_transaction()
        producer.send(topic, b"x", partition=0)
        producer.commit_transaction()
    producer.close()

    with history(make_options(), {where: Span(1, 3)}) as source:  # offsets 0, 2 and 4 hold records
        offsets = read_to_end(source)

    assert offsets == {where: [2]}


def test_one_that_goes_on_counts_as_committed_to_where_its_span_begins(
    topic: str, make_options: MakeOptions, put: Put
) -> None:
    where = TopicPartition(topic, 0)
    put(topic, [b"x"] * 6)

    with history(make_options(), {where: Span(4, 6)}, is_resumed=True) as source:
        committed = source.committed(where)
        source.poll(0.1)
        source.seek(where, 1)  # where the checkpoint stands
        offsets = read_to_end(source)

    assert committed == 4
    assert offsets == {where: [1, 2, 3, 4, 5]}
    assert source.records == 2


def test_records_that_are_deleted_before_they_are_read_stop_it(
    topic: str, make_options: MakeOptions, put: Put, kafka_admin: KafkaAdminClient
) -> None:
    where = TopicPartition(topic, 0)
    put(topic, [b"x"] * 6)

    with history(make_options(), {where: Span(0, 6)}) as source:
        kafka_admin.delete_records({ClientPartition(topic, 0): 3})
        with pytest.raises(OffsetGoneError, match="deleted before they were read"):
            read_to_end(source)
