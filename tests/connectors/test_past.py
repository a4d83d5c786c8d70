"""What every past does: records of one partition once more, up to where it is asked, in offset order."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka import TopicPartition as ClientPartition

from connectors.columns import Records, TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_options import KafkaOptions
from connectors.kafka_past import KafkaPast
from connectors.memory import records_of
from connectors.past import MemoryPast, Past

PATIENCE_SECONDS = 30.0
VALUES = [f'{{"value": {number}}}'.encode() for number in range(40)]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def opened(request: pytest.FixtureRequest) -> Iterator[Callable[[int], Past]]:
    """``opened(offset)``: the past of a partition that holds `VALUES`."""
    with ExitStack() as stack:
        open_past: Callable[[int], Past] = request.getfixturevalue(f"{request.param}_past")
        yield lambda offset: stack.enter_context(closing(open_past(offset)))


@pytest.fixture
def memory_past() -> Callable[[int], Past]:
    where = TopicPartition("pumps", 0)
    rows = [(b"pump", value) for value in VALUES]
    log = [records_of(where, rows[:25]), records_of(where, rows[25:], first_offset=25)]
    return lambda offset: MemoryPast(log, where, offset, batch_records=7)


@pytest.fixture
def kafka_past(
    topic: str, put: Callable[..., None], make_options: Callable[..., KafkaOptions]
) -> Callable[[int], Past]:
    put(topic, VALUES)
    return lambda offset: KafkaPast(make_options(max_poll_records=7), TopicPartition(topic, 0), offset)


def read_until(past: Past, until: int) -> list[Records]:
    """Everything before an offset."""
    deadline, found = time.monotonic() + PATIENCE_SECONDS, []
    while past.position < until:
        assert time.monotonic() < deadline, f"still at {past.position}"
        if len(records := past.read(until)):
            found.append(records)
    return found


def offsets(found: list[Records]) -> list[int]:
    return [offset for records in found for offset in records.offset.tolist()]


def test_it_reads_from_where_it_was_opened_to_where_it_is_asked(opened: Callable[[int], Past]) -> None:
    past = opened(5)

    found = read_until(past, 31)

    assert offsets(found) == list(range(5, 31))
    assert [value for records in found for value in records.value] == VALUES[5:31]
    assert past.position == 31


def test_it_reads_in_pieces(opened: Callable[[int], Past]) -> None:
    found = read_until(opened(0), 40)

    assert max(len(records) for records in found) == 7


def test_it_goes_on_when_it_is_asked_for_more(opened: Callable[[int], Past]) -> None:
    past = opened(0)

    first, second = read_until(past, 10), read_until(past, 40)

    assert offsets(first) == list(range(10))
    assert offsets(second) == list(range(10, 40))


def test_at_the_end_it_has_none_and_does_not_wait(opened: Callable[[int], Past]) -> None:
    past = opened(0)
    read_until(past, 40)

    assert len(past.read(40)) == 0
    assert past.position == 40


def test_two_of_one_partition_do_not_notice_each_other(opened: Callable[[int], Past]) -> None:
    first, second = opened(0), opened(20)

    read_until(first, 40)

    assert offsets(read_until(second, 40)) == list(range(20, 40))


@pytest.mark.kafka
def test_what_a_transaction_leaves_between_records_is_passed_over(
    kafka: str, topic: str, make_options: Callable[..., KafkaOptions]
) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=f"x-{topic}")
    producer.init_transactions()
    for value, end in ((b"a", producer.commit_transaction), (b"b", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(topic, value, partition=0)
        producer.flush()
        end()
    producer.close()

    past = KafkaPast(make_options(), TopicPartition(topic, 0), 0)
    found = read_until(past, 4)
    past.close()

    assert [value for records in found for value in records.value] == [b"a"]


@pytest.mark.kafka
def test_records_that_were_deleted_are_told(
    kafka_admin: KafkaAdminClient, topic: str, make_options: Callable[..., KafkaOptions], put: Callable[..., None]
) -> None:
    put(topic, VALUES)
    kafka_admin.delete_records({ClientPartition(topic, 0): 10})
    past = KafkaPast(make_options(), TopicPartition(topic, 0), 3)

    with pytest.raises(OffsetGoneError, match=f"{topic}-0: records were deleted before they were read"):
        read_until(past, 40)

    past.close()
