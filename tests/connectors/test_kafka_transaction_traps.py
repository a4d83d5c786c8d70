"""The traps of the client that an exactly-once delivery must not fall into, each on a real broker."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka import TopicPartition as ClientPartition
from kafka.errors import KafkaTimeoutError

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from tests.connectors.columns_samples import results_of
from tests.connectors.committed import HASTY, Topics, wait_until

pytestmark = pytest.mark.kafka

Opened = Callable[..., Any]


def test_trap_a_commit_that_lies_when_messages_were_given_up(
    topics: Topics, member: Any, kafka_admin: KafkaAdminClient
) -> None:
    unhurried = {"transaction_timeout_seconds": 60.0}
    delivery = topics.delivery(lambda: member.source.membership, **HASTY | unhurried)
    delivery.open(topics.first)
    delivery.begin(topics.first)
    delivery.write(results_of(["there"]))
    wait_until(lambda: topics.end("read_uncommitted") == 1)
    kafka_admin.delete_topics([topics.results])  # the client waits for it to come back, then gives up in silence
    wait_until(lambda: topics.results not in kafka_admin.list_topics())
    delivery.write(results_of(["given up"]))

    with pytest.raises(DoubtError, match="1 of 2 messages not written"):
        delivery.commit({topics.first: 17})

    delivery.close()
    topics.delivery(lambda: None).open(topics.first)  # ends what the first one left
    assert topics.committed(topics.first) is None


def test_trap_stale_offsets_of_a_producer_that_is_used_again(topics: Topics, member: Any) -> None:
    delivery = topics.delivery(lambda: member.source.membership, topics.narrow())
    delivery.open(topics.first)
    delivery.open(topics.second)
    delivery.begin(topics.second)
    delivery.begin(topics.first)
    delivery.write(results_of(["a"]))
    with pytest.raises(DoubtError, match=r"1 of 1 messages not written.*MessageSizeTooLarge"):
        delivery.commit({topics.first: 17})

    again = "refused, for the outcome of an earlier call is unknown: commit .*: .*1 of 1 messages not written"
    with pytest.raises(DoubtError, match=f"commit {topics.source}-0: {again}"):
        delivery.commit({topics.first: 17})
    with pytest.raises(DoubtError, match=f"write results of {topics.source}-0: {again}"):
        delivery.write(results_of(["a"]))
    with pytest.raises(DoubtError, match=f"commit {topics.source}-1: {again}"):
        delivery.commit({topics.second: 3})
    with pytest.raises(DoubtError, match=f"open {topics.source}-2: {again}"):
        delivery.open(TopicPartition(topics.source, 2))


def test_trap_group_metadata_read_at_commit_time(topics: Topics, opened: Opened) -> None:
    options = topics.make_options(group_id=topics.options.group_id, max_poll_interval_seconds=0.5)
    reader = opened(options, [topics.source])
    reader.poll_until(lambda: bool(reader.owned))
    delivery = topics.delivery(lambda: reader.source.membership)
    delivery.open(topics.first)
    delivery.begin(topics.first)
    delivery.write(results_of(["a"]))
    live = reader.source._consumer.group_metadata  # noqa: SLF001
    wait_until(lambda: live().generation_id == -1)  # it has left the group, having polled too late

    with pytest.raises(DoubtError, match=r"CommitFailed|UnknownMemberId|IllegalGeneration"):
        delivery.commit({topics.first: 17})

    assert live().member_id == ""  # by which the broker would have taken the offset unasked
    delivery.close()
    topics.delivery(lambda: None).open(topics.first)
    assert (topics.series(), topics.committed(topics.first)) == ([], None)


@pytest.mark.parametrize("begins_late", [False, True])
def test_trap_a_zombie_is_fenced_by_its_successor_and_writes_nothing(
    topics: Topics, member: Any, *, begins_late: bool
) -> None:
    zombie, successor = (topics.delivery(lambda: member.source.membership) for _ in range(2))
    zombie.open(topics.first)
    if not begins_late:
        zombie.begin(topics.first)
        zombie.write(results_of(["zombie"]))
    successor.open(topics.first)
    if begins_late:
        zombie.begin(topics.first)
        zombie.write(results_of(["zombie"]))

    with pytest.raises(DoubtError, match=f"commit {topics.source}-0: "):
        zombie.commit({topics.first: 17})

    zombie.close()
    successor.begin(topics.first)
    successor.write(results_of(["successor"]))
    successor.commit({topics.first: 3})
    assert (topics.series(), topics.committed(topics.first)) == (["successor"], 3)


def test_trap_a_hanging_transaction_holds_up_readers_until_a_successor_opens_the_partition(topics: Topics) -> None:
    asked = ClientPartition(*topics.first)
    with topics.hanging(), topics.reader() as consumer:
        with pytest.raises(KafkaTimeoutError):
            consumer.committed(asked, timeout_ms=500)

        topics.delivery(lambda: None).open(topics.first)

        assert consumer.committed(asked, timeout_ms=500) is None
        assert topics.end() == topics.end("read_uncommitted") > 0
    assert topics.series() == []


def test_trap_a_transaction_that_the_broker_has_timed_out_is_a_doubt(topics: Topics, member: Any) -> None:
    delivery = topics.delivery(lambda: member.source.membership, **HASTY)
    delivery.open(topics.first)
    delivery.begin(topics.first)
    delivery.write(results_of(["a"]))
    wait_until(lambda: topics.end() > 1)  # the record, and the broker's mark that it is void

    with pytest.raises(DoubtError, match=f"commit {topics.source}-0: .*(Fenced|Epoch|TxnState)"):
        delivery.commit({topics.first: 17})

    assert (topics.series(), topics.committed(topics.first)) == ([], None)


def test_trap_a_static_member_that_was_replaced_commits_nothing(topics: Topics, opened: Opened) -> None:
    options = topics.make_options(
        group_id=topics.options.group_id, group_instance_id="one", heartbeat_interval_seconds=3.0
    )
    ghost = opened(options, [topics.source])
    ghost.poll_until(lambda: bool(ghost.owned))
    delivery = topics.delivery(lambda: ghost.source.membership)
    delivery.open(topics.first)
    delivery.begin(topics.first)
    delivery.write(results_of(["ghost"]))
    successor = opened(options, [topics.source])
    successor.poll_until(lambda: bool(successor.owned))

    with pytest.raises(DoubtError, match="FencedInstanceId"):
        delivery.commit({topics.first: 17})

    delivery.close()
    topics.delivery(lambda: None).open(topics.first)
    assert (topics.series(), topics.committed(topics.first)) == ([], None)
