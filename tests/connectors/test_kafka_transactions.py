"""Exactly-once delivery on a real broker, and each trap of the client that it must not fall into."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from kafka.errors import KafkaTimeoutError

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.errors import DoubtError
from connectors.kafka_options import KafkaOptions
from connectors.kafka_transactions import Doubt, ExactlyOnce, Transactions, transactional_id
from connectors.outputs import OutputOptions, ResultsOptions
from tests.connectors.columns_samples import results_of

pytestmark = pytest.mark.kafka

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
Opened = Callable[..., Any]
PATIENCE_SECONDS = 20.0
HASTY: dict[str, Any] = {
    "request_timeout_seconds": 0.5,
    "delivery_timeout_seconds": 1.0,
    "transaction_timeout_seconds": 1.0,
}


class Topics:
    """What came in, what is written, and both as somebody sees them who takes only what was committed."""

    def __init__(self, kafka: str, make_topic: MakeTopic, make_options: MakeOptions) -> None:
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


@pytest.fixture
def topics(kafka: str, make_topic: MakeTopic, make_options: MakeOptions) -> Iterator[Topics]:
    made = Topics(kafka, make_topic, make_options)
    yield made
    for delivery in made.deliveries:
        delivery.close()


@pytest.fixture
def member(topics: Topics, opened: Opened) -> Any:
    """A reader that owns both partitions of the source."""
    reader = opened(topics.options, [topics.source])
    reader.poll_until(lambda: len(reader.owned) == 2)
    return reader


@pytest.fixture
def delivery(topics: Topics, member: Any) -> ExactlyOnce:
    """A delivery with both partitions open."""
    made = topics.delivery(lambda: member.source.membership)
    made.open(topics.first)
    made.open(topics.second)
    return made


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "still waiting"


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


def test_deliveries_of_several_partitions_may_be_committed_at_a_time(topics: Topics, delivery: ExactlyOnce) -> None:
    for partition in (topics.first, topics.second):
        delivery.begin(partition)
        delivery.write(results_of([str(partition.partition)]))

    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda partition: delivery.commit({partition: 3}), (topics.first, topics.second)))

    assert sorted(topics.series()) == ["0", "1"]
    assert (topics.committed(topics.first), topics.committed(topics.second)) == (3, 3)


def test_partitions_that_are_revoked_may_be_committed_until_the_next_poll(
    topics: Topics, delivery: ExactlyOnce, member: Any, opened: Opened
) -> None:
    newcomer = opened(topics.options, [topics.source])
    delivery.begin(topics.first)
    delivery.write(results_of(["late"]))
    member.poll_until(lambda: not member.owned, newcomer)

    delivery.commit({topics.first: 4})

    assert (topics.series(), topics.committed(topics.first)) == (["late"], 4)


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


def test_what_was_committed_is_not_told_while_a_transaction_may_change_it(topics: Topics, member: Any) -> None:
    with topics.hanging(), ThreadPoolExecutor() as threads:
        with topics.reader() as consumer, pytest.raises(KafkaTimeoutError):
            consumer.committed(ClientPartition(*topics.first), timeout_ms=500)  # the transaction is pending
        asked = threads.submit(member.source.committed, topics.first)
        with pytest.raises(TimeoutError):
            asked.result(timeout=0.3)

        topics.delivery(lambda: None).open(topics.first)

        assert asked.result(timeout=PATIENCE_SECONDS) is None


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


def test_a_client_that_never_comes_back_holds_nobody_up_for_ever(topics: Topics, member: Any) -> None:
    transactions = Transactions(topics.make_options(**HASTY), topics.first, Doubt())
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
