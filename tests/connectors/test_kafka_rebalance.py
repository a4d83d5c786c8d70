"""Partitions that move between the members of a group while work is under way."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.kafka_options import KafkaOptions
from connectors.ports import Assigned, Lost

pytestmark = pytest.mark.kafka

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
Opened = Callable[..., Any]
Put = Callable[..., None]
PATIENCE_SECONDS = 20.0


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def test_partitions_move_without_a_record_lost_or_seen_twice(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    topic = make_topic(partitions=2)
    for partition in range(2):
        put(topic, [b"%d-%d" % (partition, number) for number in range(100)], partition=partition)
    options = make_options(max_poll_records=7)
    first = opened(options, [topic])
    first.is_careful = True  # commits in the middle of the hand-over: still a member of the old generation
    first.poll_until(lambda: len(first.values) > 20)
    second = opened(options, [topic])

    first.poll_until(lambda: len(second.owned) == 1, second)
    first.poll_until(lambda: len(first.values) + len(second.values) >= 200, second)

    everything = sorted(map(bytes, [*filter(None, first.values), *filter(None, second.values)]))
    assert everything == sorted(b"%d-%d" % (p, number) for p in range(2) for number in range(100))
    assert len(first.owned) == len(second.owned) == 1
    assert first.owned.isdisjoint(second.owned)


def test_a_partition_that_stays_through_a_rebalance_goes_back_to_what_was_committed(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened, put: Put
) -> None:
    topic = make_topic(partitions=2)
    put(topic, numbered(10), partition=0)
    options = make_options()
    first = opened(options, [topic])
    first.poll_until(lambda: len(first.values) == 10)  # delivered, never committed
    second = opened(options, [topic])

    first.poll_until(lambda: len(first.owned) == 1 and len(second.owned) == 1, second)
    first.poll_until(lambda: len(first.values) + len(second.values) == 20, second)

    assert sorted(filter(None, [*first.values, *second.values])) == sorted(numbered(10) * 2)


def test_a_moved_partition_cannot_be_committed_by_its_old_owner(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened
) -> None:
    topic = make_topic(partitions=2)
    options = make_options()
    first, second = opened(options, [topic]), None
    first.poll_until(lambda: len(first.owned) == 2)
    second = opened(options, [topic])
    first.poll_until(lambda: len(first.owned) == 1 and len(second.owned) == 1, second)
    (moved,) = second.owned

    with pytest.raises(DoubtError, match=f"kafka: commit: {topic}-{moved.partition}: no longer ours"):
        first.source.commit({moved: 1})


def test_a_member_that_polls_too_late_is_told_that_its_partitions_are_lost(
    topic: str, make_options: MakeOptions, opened: Opened, kafka_admin: KafkaAdminClient
) -> None:
    options = make_options(max_poll_interval_seconds=0.5)
    reader = opened(options, [topic])
    reader.poll_until(lambda: bool(reader.owned))
    wait_until_empty(kafka_admin, options.group_id)

    with pytest.raises(DoubtError, match="kafka: commit: no longer ours: CommitFailedError"):
        reader.source.commit({TopicPartition(topic, 0): 1})
    reader.poll_until(lambda: len(reader.events) == 3)

    partitions = (TopicPartition(topic, 0),)
    assert reader.events == [Assigned(partitions), Lost(partitions), Assigned(partitions)]


def wait_until_empty(admin: KafkaAdminClient, group: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while admin.describe_groups([group])[group]["members"]:
        assert time.monotonic() < deadline, f"group {group} still has members"
