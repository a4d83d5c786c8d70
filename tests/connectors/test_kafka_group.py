"""A consumer group of a real broker, seen and moved from outside."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.errors import ConfigError
from connectors.kafka_group import KafkaGroup
from connectors.kafka_options import KafkaOptions
from tests.end_to_end.independent import committed

pytestmark = pytest.mark.kafka
MakeOptions = Callable[..., KafkaOptions]


def test_a_group_that_never_was_has_no_members_and_is_moved(
    topic: str, make_options: MakeOptions, kafka: str, put: Callable[..., None]
) -> None:
    options, where = make_options(), TopicPartition(topic, 0)
    put(topic, [b"0", b"1", b"2"])

    with KafkaGroup(options) as group:
        before = (group.committed(where), group.members())
        group.move(where, 2)
        after = group.committed(where)

    assert before == (None, [])
    assert after == 2
    assert committed(kafka, options.group_id, topic) == {0: 2}


def test_a_group_with_a_member_names_it_and_is_not_moved(
    topic: str, make_options: MakeOptions, kafka: str, opened: Callable[..., Any], put: Callable[..., None]
) -> None:
    options, where = make_options(group_instance_id="me"), TopicPartition(topic, 0)
    put(topic, [b"0", b"1", b"2"])
    reader = opened(options, [topic])
    reader.poll_until(lambda: len(reader.values) == 3)
    reader.source.commit({where: 3})

    with KafkaGroup(options) as group:
        members = group.members()
        with pytest.raises(ConfigError, match=f"{topic}-0 was to be moved, which still is where it was"):
            group.move(where, 1)

    assert members == ["me at 127.0.0.1"]
    assert committed(kafka, options.group_id, topic) == {0: 3}


def test_the_log_tells_its_bounds_and_the_offset_of_a_time(
    make_topic: Callable[..., str],
    make_options: MakeOptions,
    put: Callable[..., None],
    kafka_admin: KafkaAdminClient,
) -> None:
    topic = make_topic(partitions=2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    for day in range(4):
        put(topic, [b"x"], timestamp_ms=1_700_000_000_000 + day)
    kafka_admin.delete_records({ClientPartition(topic, 0): 1})

    with KafkaGroup(make_options()) as group:
        assert group.partitions([topic], []) == [first, second]
        assert group.partitions([], [f"{topic[:-1]}."]) == [first, second]
        assert (group.oldest(first), group.end(first)) == (1, 4)
        assert (group.oldest(second), group.end(second)) == (0, 0)
        assert group.at_time(first, 1_700_000_000_002) == 2
        assert group.at_time(first, 1_800_000_000_000) == 4
        assert group.topic(topic).partitions == 2


def test_a_topic_that_does_not_exist_is_refused(make_options: MakeOptions) -> None:
    with KafkaGroup(make_options()) as group, pytest.raises(ConfigError, match="source topic 'nowhere' does not exist"):
        group.partitions(["nowhere"], [])
