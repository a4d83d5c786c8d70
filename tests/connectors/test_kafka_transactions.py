"""Exactly-once delivery on a real broker: what it makes permanent, when, and for whom."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kafka import TopicPartition as ClientPartition
from kafka.errors import KafkaTimeoutError

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.kafka_transactions import Doubt, ExactlyOnce, Transactions, transactional_id
from tests.connectors.columns_samples import results_of
from tests.connectors.committed import HASTY, PATIENCE_SECONDS, Topics, wait_until

pytestmark = pytest.mark.kafka

Opened = Callable[..., Any]


def test_results_and_the_next_offset_are_there_together_and_not_before(topics: Topics, delivery: ExactlyOnce) -> None:
    delivery.begin(topics.first)
    delivery.write(results_of(["a", "b"]))
    wait_until(lambda: topics.end("read_uncommitted") == 2)
    before = (topics.series(), topics.committed(topics.first))

    delivery.commit({topics.first: 17})

    assert before == ([], None)
    assert topics.series() == ["a", "b"]
    assert topics.committed(topics.first) == 17


def test_one_delivery_follows_the_other(topics: Topics, delivery: ExactlyOnce) -> None:
    for number in range(5):
        for partition in (topics.first, topics.second):
            delivery.begin(partition)
            delivery.write(results_of([f"{partition.partition}-{number}"]))
            delivery.commit({partition: number + 1})

    assert topics.series() == [f"{partition}-{number}" for number in range(5) for partition in range(2)]
    assert (topics.committed(topics.first), topics.committed(topics.second)) == (5, 5)


def test_a_delivery_without_results_moves_the_offset(topics: Topics, delivery: ExactlyOnce) -> None:
    delivery.begin(topics.first)

    delivery.commit({topics.first: 9})

    assert topics.committed(topics.first) == 9


def test_deliveries_of_several_partitions_are_committed_side_by_side(topics: Topics, delivery: ExactlyOnce) -> None:
    for partition in (topics.first, topics.second):
        delivery.begin(partition)
        delivery.write(results_of([str(partition.partition)]))

    delivery.commit({topics.first: 3, topics.second: 5})

    assert sorted(topics.series()) == ["0", "1"]
    assert (topics.committed(topics.first), topics.committed(topics.second)) == (3, 5)


def test_partitions_that_are_revoked_may_be_committed_until_the_next_poll(
    topics: Topics, delivery: ExactlyOnce, member: Any, opened: Opened
) -> None:
    newcomer = opened(topics.options, [topics.source])
    delivery.begin(topics.first)
    delivery.write(results_of(["late"]))
    member.poll_until(lambda: not member.owned, newcomer)

    delivery.commit({topics.first: 4})

    assert (topics.series(), topics.committed(topics.first)) == (["late"], 4)


def test_a_delivery_that_an_earlier_generation_began_is_not_committed_by_a_later_one(
    topics: Topics, delivery: ExactlyOnce, member: Any, opened: Opened
) -> None:
    newcomer = opened(topics.options, [topics.source])
    delivery.begin(topics.first)
    delivery.write(results_of(["a"]))
    member.poll_until(lambda: len(member.owned) == len(newcomer.owned) == 1, newcomer)

    with pytest.raises(DoubtError, match=r"CommitFailed|IllegalGeneration"):
        delivery.commit({topics.first: 17})

    delivery.close()
    topics.delivery(lambda: None).open(topics.first)
    assert (topics.series(), topics.committed(topics.first)) == ([], None)


def test_nothing_is_begun_by_who_is_no_member(topics: Topics) -> None:
    delivery = topics.delivery(lambda: None)
    delivery.open(topics.first)

    with pytest.raises(DoubtError, match="expected to be a member of the group since the last poll, got none"):
        delivery.begin(topics.first)


def test_what_was_committed_is_not_told_while_a_transaction_may_change_it(topics: Topics, member: Any) -> None:
    with topics.hanging(), ThreadPoolExecutor() as threads:
        with topics.reader() as consumer, pytest.raises(KafkaTimeoutError):
            consumer.committed(ClientPartition(*topics.first), timeout_ms=500)  # the transaction is pending
        asked = threads.submit(member.source.committed, topics.first)
        with pytest.raises(TimeoutError):
            asked.result(timeout=0.3)

        topics.delivery(lambda: None).open(topics.first)

        assert asked.result(timeout=PATIENCE_SECONDS) is None


def test_a_client_that_never_comes_back_holds_nobody_up_for_ever(topics: Topics, member: Any) -> None:
    patient = {"delivery_timeout_seconds": 600.0}  # with messages, not with the end of a transaction
    transactions = Transactions(topics.make_options(**HASTY | patient), topics.first, Doubt())
    transactions.begin(member.source.membership)
    transactions.halt()

    with pytest.raises(DoubtError, match="no answer from the brokers"):
        transactions.commit(17)

    transactions.close()


def test_a_close_completes_nothing(topics: Topics, delivery: ExactlyOnce) -> None:
    delivery.begin(topics.first)
    delivery.write(results_of(["a"]))

    delivery.close()
    delivery.close()

    topics.delivery(lambda: None).open(topics.first)
    assert (topics.series(), topics.committed(topics.first)) == ([], None)


def test_a_partition_that_was_released_may_be_opened_again(topics: Topics, delivery: ExactlyOnce) -> None:
    delivery.begin(topics.first)
    delivery.commit({topics.first: 1})

    delivery.release(topics.first)
    delivery.open(topics.first)
    delivery.begin(topics.first)
    delivery.commit({topics.first: 2})

    assert topics.committed(topics.first) == 2


def test_calls_out_of_order_are_refused(topics: Topics, delivery: ExactlyOnce) -> None:
    with pytest.raises(RuntimeError, match="write: expected a delivery that has begun, got none"):
        delivery.write(results_of(["a"]))
    with pytest.raises(RuntimeError, match="expected a partition that is open, got other-0"):
        delivery.begin(TopicPartition("other", 0))
    with pytest.raises(RuntimeError, match="open: expected a partition that is not open"):
        delivery.open(topics.first)
    with pytest.raises(RuntimeError, match=r"commit: expected a delivery .* that has begun"):
        delivery.commit({topics.first: 1})
    delivery.begin(topics.first)
    with pytest.raises(RuntimeError, match=r"begin: expected no delivery .* under way"):
        delivery.begin(topics.first)
    with pytest.raises(RuntimeError, match=r"release: expected no delivery .* under way"):
        delivery.release(topics.first)


def test_no_two_partitions_share_a_transactional_id() -> None:
    named = transactional_id("a.b", TopicPartition("c", 0)), transactional_id("a", TopicPartition("b.c", 0))

    assert named == ("a.b:c:0", "a:b.c:0")
