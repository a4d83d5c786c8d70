"""Records of a real broker, read by one member of a group."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from kafka.future import Future

from connectors.columns import TopicPartition
from connectors.errors import ConfigError, TransientError
from connectors.kafka_options import KafkaOptions
from connectors.kafka_source import KafkaSource

pytestmark = pytest.mark.kafka

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
Opened = Callable[..., Any]
Put = Callable[..., None]


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def test_a_record_keeps_its_offset_time_key_value_and_headers(
    topic: str, make_options: MakeOptions, opened: Opened, kafka: str
) -> None:
    with KafkaProducer(bootstrap_servers=kafka) as producer:
        for key, value in ((b"k", b"v"), (b"gone", None)):
            producer.send(topic, value, key=key, headers=[("h", b"x")], timestamp_ms=1_700_000_000_123)
    reader = opened(make_options(), [topic])

    reader.poll_until(lambda: len(reader.values) == 2)

    (records,) = reader.records
    assert records.topic_partition == TopicPartition(topic, 0)
    assert records.offset.tolist() == [0, 1]
    assert records.timestamp_ms.tolist() == [1_700_000_000_123] * 2
    assert (records.key, records.value) == ([b"k", b"gone"], [b"v", None])
    assert list(records.headers[0]) == [("h", b"x")]


@pytest.mark.parametrize(("start", "expected"), [("earliest", 0), ("latest", 4), ("2026-01-02T00:00:00Z", 2)])
def test_a_new_group_starts_where_the_configuration_says(
    start: str,
    expected: int,
    topic: str,
    make_options: MakeOptions,
    opened: Opened,
    put: Put,
) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(4):  # of 1, 2, 3 and 4 January
        at_noon = first + timedelta(days=day, hours=-12)
        put(topic, [b"%d" % day], timestamp_ms=round(at_noon.timestamp() * 1000))
    reader = opened(make_options(start=start), [topic])
    reader.poll_until(lambda: bool(reader.events))

    put(topic, [b"4"])
    reader.poll_until(lambda: b"4" in reader.values)

    assert reader.values == numbered(5 - expected, start=expected)


def test_a_start_time_after_the_last_record_starts_at_the_end(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    put(topic, [b"old"])
    reader = opened(make_options(start="2100-01-01T00:00:00Z"), [topic])
    reader.poll_until(lambda: bool(reader.events))

    put(topic, [b"new"])
    reader.poll_until(lambda: bool(reader.values))

    assert reader.values == [b"new"]


def test_a_start_at_the_end_is_committed_by_whoever_asked_for_it_and_not_before(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    put(topic, numbered(3))
    partition = TopicPartition(topic, 0)
    reader = opened(make_options(start="latest"), [topic])
    reader.poll_until(lambda: bool(reader.events))

    assert reader.source.first_offset(partition) == 3
    assert reader.source.committed(partition) is None


def test_an_answer_that_came_too_late_is_not_taken_for_that_to_a_later_question(
    topic: str, make_options: MakeOptions, opened: Opened
) -> None:
    partition, asked = TopicPartition(topic, 0), ClientPartition(topic, 0)
    reader = opened(make_options(), [topic])
    reader.poll_until(lambda: bool(reader.owned))
    reader.source.commit({partition: 7})
    late = Future().success({asked: OffsetAndMetadata(3, "", -1)})
    reader.source._consumer._coordinator._offset_fetch_futures[frozenset([asked])] = late  # noqa: SLF001

    assert reader.source.committed(partition) == 7


def test_the_oldest_offset_is_the_first_that_retention_has_left(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put, kafka_admin: KafkaAdminClient
) -> None:
    put(topic, numbered(10))
    reader = opened(make_options(), [topic])
    kafka_admin.delete_records({ClientPartition(topic, 0): 6})

    oldest = reader.source.oldest_offset(TopicPartition(topic, 0))
    kafka_admin.delete_records({ClientPartition(topic, 0): 10})

    assert (oldest, reader.source.oldest_offset(TopicPartition(topic, 0))) == (6, 10)


def test_a_group_that_committed_goes_on_there_whatever_the_start(
    topic: str, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    put(topic, numbered(5))
    options = make_options(start="earliest")
    first = opened(options, [topic])
    first.poll_until(lambda: len(first.values) == 5)
    first.source.commit({TopicPartition(topic, 0): 3})
    first.source.close()

    second = opened(options, [topic])
    second.poll_until(lambda: bool(second.values))

    assert second.values == numbered(2, start=3)


def test_a_paused_partition_is_silent_until_it_is_resumed(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    topic = make_topic(partitions=2)
    reader = opened(make_options(), [topic])
    reader.poll_until(lambda: len(reader.owned) == 2)
    reader.source.pause([TopicPartition(topic, 0)])
    put(topic, [b"paused"], partition=0)
    put(topic, [b"flowing"], partition=1)

    reader.poll_until(lambda: bool(reader.values))
    put(topic, [b"flowing on"], partition=1)
    reader.poll_until(lambda: len(reader.values) == 2)
    seen_while_paused = list(reader.values)
    reader.source.resume([TopicPartition(topic, 0)])
    reader.poll_until(lambda: len(reader.values) == 3)

    assert seen_while_paused == [b"flowing", b"flowing on"]
    assert reader.values[-1] == b"paused"


def test_a_pattern_reads_the_topics_that_match_as_a_whole(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    prefix = make_topic().replace("t-", "p")
    named, matching, longer = (make_topic(prefix=f"{prefix}.{end}") for end in ("a", "b", "b-more"))
    for topic in (named, matching, longer):
        put(topic, [topic.encode()])
    reader = opened(make_options(), [named], [rf"{prefix}\.b-[0-9a-f]+"])

    reader.poll_until(lambda: len(reader.values) == 2)

    assert sorted(filter(None, reader.values)) == sorted([named.encode(), matching.encode()])
    assert {partition.topic for partition in reader.owned} == {named, matching}


def test_a_missing_topic_is_refused_with_the_nearest_that_exist(
    make_topic: MakeTopic, make_options: MakeOptions
) -> None:
    existing = make_topic(prefix="sensors")

    with pytest.raises(ConfigError) as refused:
        KafkaSource(make_options(), [existing[:-1]])

    assert str(refused.value).startswith(f"kafka: source topic '{existing[:-1]}' does not exist; nearest of the ")
    assert existing in str(refused.value)


def test_lag_is_what_is_left_to_deliver(topic: str, make_options: MakeOptions, opened: Opened, put: Put) -> None:
    put(topic, numbered(10))
    partition = TopicPartition(topic, 0)
    reader = opened(make_options(max_poll_records=4), [topic])
    before = reader.source.lag(partition)

    reader.poll_until(lambda: len(reader.values) == 4)
    left = reader.source.lag(partition)
    reader.poll_until(lambda: len(reader.values) == 10)

    assert before is None
    assert left == 6
    assert reader.source.lag(partition) == 0


def test_a_value_of_one_mebibyte_passes(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    topic = make_topic(configs={"max.message.bytes": "2000000"})
    value = bytes(range(256)) * 4096
    put(topic, [value, b"after"])
    reader = opened(make_options(), [topic])

    reader.poll_until(lambda: len(reader.values) == 2)

    assert reader.values == [value, b"after"]


def test_brokers_that_go_away_are_an_error_that_names_them_and_polling_goes_on(
    topic: str, make_options: MakeOptions, relay: Any
) -> None:
    now = [0.0]
    source = KafkaSource(make_options(bootstrap_servers=relay.address), [topic], clock=lambda: now[0])
    while not source.poll(0.1):
        pass  # until it has its partition
    relay.cut()

    now[0] = 4.9
    source.poll(0.1)
    now[0] = 5.1
    with pytest.raises(TransientError) as away:
        source.poll(0.1)
    source.close()

    assert str(away.value) == (
        f"kafka: no broker of [{relay.address}] answers: {relay.address}: [Errno 111] Connection refused"
    )
