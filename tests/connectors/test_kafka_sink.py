"""Messages on a real broker: there after a flush, or said not to be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.errors import ConfigError, TransientError
from connectors.kafka_options import CreateTopics, KafkaOptions
from connectors.kafka_outbox import Outbox
from connectors.kafka_publish import publish
from connectors.messages import Message

pytestmark = pytest.mark.kafka

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
ReadTopic = Callable[..., list[Any]]


@pytest.fixture
def outbox(make_options: MakeOptions) -> Iterator[Callable[..., Outbox]]:
    """``outbox(compression="gzip", ...)``, closed after the test."""
    opened: list[Outbox] = []

    def open_outbox(**changes: Any) -> Outbox:
        opened.append(Outbox(make_options(**changes)))
        return opened[-1]

    yield open_outbox
    for box in opened:
        box.close()


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_was_flushed_is_there_whatever_the_compression(
    compression: str, topic: str, outbox: Callable[..., Outbox], read_topic: ReadTopic
) -> None:
    box = outbox(compression=compression)
    box.send(Message(topic, b"k", b"%d" % number * 20) for number in range(50))

    box.flush()

    records = read_topic(topic)
    assert [record.value for record in records] == [b"%d" % number * 20 for number in range(50)]
    assert records[0].key == b"k"


def test_messages_that_the_broker_refused_are_counted_by_topic(
    topic: str, make_topic: MakeTopic, outbox: Callable[..., Outbox], read_topic: ReadTopic
) -> None:
    narrow = make_topic(configs={"max.message.bytes": "200"})
    box = outbox(compression="none", batch_bytes=1)
    box.send([Message(topic, None, b"fits"), Message(narrow, None, b"x" * 500)])

    with pytest.raises(TransientError) as refused:
        box.flush()

    assert str(refused.value).startswith(f"kafka: 1 of 2 messages not written: {narrow} (1); first: ")
    assert "MessageSizeTooLargeError" in str(refused.value)
    assert [record.value for record in read_topic(topic)] == [b"fits"]


def test_an_outbox_that_failed_goes_on_failing_and_a_new_one_works(
    topic: str, make_topic: MakeTopic, outbox: Callable[..., Outbox]
) -> None:
    narrow = make_topic(configs={"max.message.bytes": "200"})
    failed = outbox(compression="none", batch_bytes=1)
    failed.send([Message(narrow, None, b"x" * 500)])
    with pytest.raises(TransientError):
        failed.flush()

    failed.send([Message(topic, None, b"fits")])
    with pytest.raises(TransientError, match=f"1 of 1 messages not written: {topic}"):
        failed.flush()

    fresh = outbox()
    fresh.send([Message(topic, None, b"fits")])
    fresh.flush()


def test_what_was_not_flushed_is_not_sent_by_the_close(
    topic: str, outbox: Callable[..., Outbox], read_topic: ReadTopic
) -> None:
    box = outbox(linger_seconds=10.0, delivery_timeout_seconds=60.0)
    box.send([Message(topic, None, b"pending")])

    box.close()
    box.close()

    assert read_topic(topic) == []


def test_rows_are_published_in_order(topic: str, make_options: MakeOptions, read_topic: ReadTopic) -> None:
    rows = [(b"k", b"%d" % number) for number in range(12_345)]

    count = publish(make_options(), topic, iter(rows))

    assert count == 12_345
    assert [record.value for record in read_topic(topic)] == [value for _, value in rows]


def test_nothing_is_published_to_a_topic_that_nobody_made(topic: str, make_options: MakeOptions) -> None:
    with pytest.raises(ConfigError, match=f"topics to write to do not exist: {topic}-more"):
        publish(make_options(), f"{topic}-more", [(b"k", b"v")])


def test_a_topic_to_publish_to_is_made_where_the_configuration_says_how(
    topic: str, make_options: MakeOptions, read_topic: ReadTopic
) -> None:
    options = make_options(create_topics=CreateTopics(partitions=2, replication_factor=1))

    publish(options, f"{topic}-more", [(b"k", b"v")])

    assert [record.value for record in read_topic(f"{topic}-more")] == [b"v"]
