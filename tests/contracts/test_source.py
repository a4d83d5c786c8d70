"""What every source must do, whatever is behind it: the contract of `connectors.ports.Source`."""

import importlib
import time
from collections.abc import Iterator

import pytest

from connectors.columns import Records
from connectors.ports import Assigned, Ended, Event, Source
from tests.contracts.cases import SourceCase, place

ROWS = [(name, b'{"series":"%b","value":%d}' % (name, number)) for number in range(10) for name in (b"a", b"b")]
KINDS = ["memory", "file", *(pytest.param(kind, marks=pytest.mark.kafka) for kind in ("kafka", "history"))]
PATIENCE_SECONDS = 60.0


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest) -> SourceCase:
    parts = importlib.import_module(f"tests.contracts.{request.param}_parts")
    made: SourceCase = getattr(parts, f"{request.param}_source_case")(request)
    made.fill(ROWS)
    return made


@pytest.fixture
def source(case: SourceCase) -> Iterator[Source]:
    opened = case.open()
    yield opened
    opened.close()


def read(source: Source, count: int) -> tuple[list[Event | Records], list[int]]:
    """Poll until ``count`` records or more have come, placing what is assigned. Returns everything, and the offsets."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen: list[Event | Records] = []
    offsets: list[int] = []
    while len(offsets) < count:
        assert time.monotonic() < deadline, f"expected {count} records, got {len(offsets)}: {offsets}"
        polled = source.poll(0.1)
        place(source, polled)
        seen += polled
        offsets += [int(offset) for entry in polled if isinstance(entry, Records) for offset in entry.offset]
    return seen, offsets


def wait_for_the_partition(source: Source) -> None:
    """Poll until the partition is ours. Nothing but its assignment may come along."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (polled := source.poll(0.1)):
        assert time.monotonic() < deadline, "expected an assignment, got none"
    assert [type(entry) for entry in polled] == [Assigned]


def test_every_record_comes_once_in_offset_order_and_as_it_was(case: SourceCase, source: Source) -> None:
    seen, offsets = read(source, len(ROWS))

    assert offsets == list(range(len(ROWS)))
    records = [entry for entry in seen if isinstance(entry, Records)]
    assert {entry.topic_partition for entry in records} == {case.partition}
    assert [key for entry in records for key in entry.key] == [key for key, _ in ROWS]
    assert [value for entry in records for value in entry.value] == [value for _, value in ROWS]
    lengths = [(len(entry.timestamp_ms), len(entry.headers)) for entry in records]
    assert lengths == [(len(entry), len(entry)) for entry in records]


def test_nothing_comes_before_its_partition_is_assigned(case: SourceCase, source: Source) -> None:
    seen, _ = read(source, len(ROWS))

    assert seen[0] == Assigned((case.partition,))
    assert sum(isinstance(entry, Assigned) for entry in seen) == 1


def test_nothing_comes_before_the_first_seek_said_where_to_begin(case: SourceCase, source: Source) -> None:
    wait_for_the_partition(source)
    before = [source.poll(0.05) for _ in range(5)]
    source.resume([case.partition])
    after_resume = [source.poll(0.05) for _ in range(5)]

    source.seek(case.partition, 0)

    assert before == after_resume == [[]] * 5
    _, offsets = read(source, len(ROWS))
    assert offsets == list(range(len(ROWS)))


def test_a_partition_that_nobody_committed_begins_at_its_oldest_offset(case: SourceCase, source: Source) -> None:
    wait_for_the_partition(source)

    offsets = (source.committed(case.partition), source.first_offset(case.partition))

    assert offsets == (None, 0)
    assert source.oldest_offset(case.partition) == 0


def test_a_topic_has_the_partitions_that_it_has_and_stays_the_one_it_is(case: SourceCase, source: Source) -> None:
    wait_for_the_partition(source)

    topic = source.topic(case.partition.topic)

    assert topic.partitions == 1
    assert source.topic(case.partition.topic) == topic


def test_asking_where_a_partition_begins_commits_nothing(case: SourceCase, source: Source) -> None:
    wait_for_the_partition(source)

    source.first_offset(case.partition)
    source.oldest_offset(case.partition)

    assert source.committed(case.partition) is None


def test_at_the_end_a_poll_returns_nothing_or_says_once_that_it_is_the_end(source: Source) -> None:
    read(source, len(ROWS))

    after = [source.poll(0.0) for _ in range(3)]

    assert after in ([[], [], []], [[Ended()], [], []])


def test_a_paused_partition_delivers_nothing_and_goes_on_without_loss_or_repeat(
    case: SourceCase, source: Source
) -> None:
    _, before = read(source, 1)

    source.pause([case.partition])
    during = [source.poll(0.05) for _ in range(5)]
    source.resume([case.partition])

    assert during == [[]] * 5
    _, after = read(source, len(ROWS) - len(before)) if len(before) < len(ROWS) else ([], [])
    assert before + after == list(range(len(ROWS)))


@pytest.mark.parametrize("is_paused_first", [True, False])
def test_a_partition_that_is_paused_from_the_start_delivers_all_after_resume(
    case: SourceCase, source: Source, *, is_paused_first: bool
) -> None:
    wait_for_the_partition(source)
    if is_paused_first:
        source.pause([case.partition])
    source.seek(case.partition, 0)
    source.pause([case.partition])
    during = [source.poll(0.05) for _ in range(5)]

    source.resume([case.partition])

    assert during == [[]] * 5
    _, offsets = read(source, len(ROWS))
    assert offsets == list(range(len(ROWS)))


@pytest.mark.parametrize("offset", [0, 7, len(ROWS) - 1])
def test_seek_makes_an_offset_the_next_one(case: SourceCase, source: Source, offset: int) -> None:
    read(source, len(ROWS))

    source.seek(case.partition, offset)

    _, offsets = read(source, len(ROWS) - offset)
    assert offsets == list(range(offset, len(ROWS)))


def test_the_first_seek_may_pass_over_records(case: SourceCase, source: Source) -> None:
    wait_for_the_partition(source)

    source.seek(case.partition, 15)

    _, offsets = read(source, len(ROWS) - 15)
    assert offsets == list(range(15, len(ROWS)))


def test_committed_is_none_before_and_what_commit_stored_after(case: SourceCase, source: Source) -> None:
    read(source, 1)
    before = source.committed(case.partition)

    source.commit({case.partition: 3})
    first = source.committed(case.partition)
    source.commit({case.partition: 5})

    assert (before, first, source.committed(case.partition)) == (None, 3, 5)


def test_a_commit_does_not_move_the_reader(case: SourceCase, source: Source) -> None:
    _, before = read(source, 1)

    source.commit({case.partition: 0})

    _, after = read(source, len(ROWS) - len(before)) if len(before) < len(ROWS) else ([], [])
    assert before + after == list(range(len(ROWS)))


def test_lag_is_unknown_or_the_number_of_records_to_come(case: SourceCase, source: Source) -> None:
    read(source, len(ROWS))
    at_the_end = source.lag(case.partition)
    source.seek(case.partition, 12)
    _, offsets = read(source, 1)

    rest = source.lag(case.partition)

    assert at_the_end in {None, 0}
    assert rest in {None, len(ROWS) - 1 - offsets[-1]}


def test_a_new_source_knows_what_the_last_one_committed_if_the_kind_is_durable(case: SourceCase) -> None:
    start = 13 if case.is_durable else 0
    first = case.open()
    read(first, len(ROWS))
    first.commit({case.partition: 13})
    first.close()

    second = case.open()
    _, offsets = read(second, len(ROWS) - start)
    second.close()

    assert offsets == list(range(start, len(ROWS)))


def test_a_new_source_repeats_what_was_read_and_not_committed(case: SourceCase) -> None:
    first = case.open()
    read(first, len(ROWS))
    first.close()

    second = case.open()
    _, offsets = read(second, len(ROWS))
    second.close()

    assert offsets == list(range(len(ROWS)))


def test_a_source_may_be_closed_twice(source: Source) -> None:
    source.poll(0.0)

    source.close()
    source.close()
