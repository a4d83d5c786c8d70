"""What a reader finds where it should go on: records that were deleted, or parked by the client."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_options import KafkaOptions
from connectors.ports import Gone

pytestmark = pytest.mark.kafka

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
Opened = Callable[..., Any]
Put = Callable[..., None]


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def test_a_deleted_offset_stops_the_reader_and_names_the_range(
    topic: str,
    make_options: MakeOptions,
    opened: Opened,
    put: Put,
    kafka_admin: KafkaAdminClient,
) -> None:
    put(topic, numbered(10))
    options = make_options()
    first = opened(options, [topic])
    first.poll_until(lambda: len(first.values) == 10)
    first.source.commit({TopicPartition(topic, 0): 3})
    first.source.close()
    kafka_admin.delete_records({ClientPartition(topic, 0): 6})

    second = opened(options, [topic])
    with pytest.raises(OffsetGoneError) as gone:
        second.poll_until(lambda: bool(second.values))

    assert f"group {options.group_id}: {topic}-0: next offset 3, but the broker has 6 to 10" in str(gone.value)


def test_deleted_records_are_passed_over_and_told_where_that_is_asked_for(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put, kafka_admin: KafkaAdminClient
) -> None:
    put(topic, numbered(10))
    options = make_options(deleted_records="skip")
    first = opened(options, [topic])
    first.poll_until(lambda: len(first.values) == 10)
    first.source.commit({TopicPartition(topic, 0): 3})
    first.source.close()
    kafka_admin.delete_records({ClientPartition(topic, 0): 6})

    second = opened(options, [topic])
    second.poll_until(lambda: len(second.values) == 4)

    assert Gone(TopicPartition(topic, 0), 3, 6) in second.events
    assert second.values == numbered(10)[6:]


def test_an_offset_beyond_the_end_is_never_passed_over(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    put(topic, numbered(3))
    reader = opened(make_options(deleted_records="skip"), [topic])
    reader.poll_until(lambda: len(reader.values) == 3)

    reader.source.seek(TopicPartition(topic, 0), 7)

    with pytest.raises(OffsetGoneError, match="next offset 7, but the broker has 0 to 3"):
        reader.poll_until(lambda: len(reader.values) == 4)


def test_a_partition_paused_in_the_middle_of_a_fetch_goes_on_when_it_is_resumed(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    topic = make_topic(partitions=2)
    for partition in range(2):
        put(topic, numbered(30), partition=partition)
    reader = opened(make_options(max_poll_records=10), [topic])

    reader.poll_until(lambda: bool(reader.values))
    begun = reader.records[0].topic_partition
    reader.source.pause([begun])
    reader.poll_until(lambda: len(reader.values) == 10 + 30)
    reader.source.resume([begun])
    reader.poll_until(lambda: len(reader.values) == 2 * 30)

    assert set(reader.next_offsets.values()) == {30}
