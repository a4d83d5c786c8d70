"""The memory source plays its script: faults, empty polls, and partitions that come and go."""

import pytest

from connectors.columns import Records, TopicPartition
from connectors.errors import TransientError
from connectors.memory import Fault, Idle, MemorySink, MemorySource, records_of
from connectors.ports import Assigned, Ended, Event, Lost, Revoked
from tests.connectors.columns_samples import results_of
from tests.contracts.cases import place

FIRST = TopicPartition("machines", 0)
SECOND = TopicPartition("machines", 1)
ROWS = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]


def poll(source: MemorySource, count: int = 1) -> list[list[Event | Records]]:
    """So many polls, in between which partitions that were assigned are placed."""
    polled = []
    for _ in range(count):
        polled.append(source.poll(0.0))
        place(source, polled[-1])
    return polled


def offsets(polled: list[Event | Records]) -> list[int]:
    return [int(offset) for entry in polled if isinstance(entry, Records) for offset in entry.offset]


def test_a_fault_raises_at_its_poll_and_what_follows_comes_after() -> None:
    source = MemorySource([Assigned((FIRST,)), Fault(TransientError("away")), Idle(), records_of(FIRST, ROWS), Ended()])

    assert poll(source) == [[Assigned((FIRST,))]]
    with pytest.raises(TransientError, match="away"):
        source.poll(0.0)
    assert source.poll(0.0) == []
    assert offsets(source.poll(0.0)) == [0, 1, 2]
    assert source.poll(0.0) == [Ended()]
    assert source.poll(0.0) == []


def test_records_of_a_partition_that_left_do_not_come() -> None:
    source = MemorySource([Assigned((FIRST,)), Revoked((FIRST,)), records_of(FIRST, ROWS), Assigned((FIRST,))])

    polled = poll(source, 5)

    assert polled[:4] == [[Assigned((FIRST,))], [Revoked((FIRST,))], [], [Assigned((FIRST,))]]
    assert offsets(polled[4]) == [0, 1, 2]


@pytest.mark.parametrize("departure", [Revoked((FIRST,)), Lost((FIRST,))])
def test_a_partition_that_comes_back_must_be_placed_again(departure: Event) -> None:
    source = MemorySource([Assigned((FIRST,)), records_of(FIRST, ROWS), departure, Assigned((FIRST,))])
    poll(source, 3)

    came_back = [source.poll(0.0) for _ in range(2)]
    source.seek(FIRST, 1)

    assert came_back == [[Assigned((FIRST,))], []]
    assert offsets(source.poll(0.0)) == [1, 2]


def test_the_end_waits_for_what_is_not_placed_yet() -> None:
    source = MemorySource([Assigned((FIRST,)), records_of(FIRST, ROWS), Ended()])
    waiting = [source.poll(0.0) for _ in range(3)]

    source.seek(FIRST, 0)

    assert waiting == [[Assigned((FIRST,))], [], []]
    assert offsets(source.poll(0.0)) == [0, 1, 2]
    assert source.poll(0.0) == [Ended()]


def test_retention_may_have_removed_the_oldest_records() -> None:
    source = MemorySource([], oldest={FIRST: 7})

    assert (source.first_offset(FIRST), source.oldest_offset(FIRST)) == (7, 7)
    assert (source.first_offset(SECOND), source.oldest_offset(SECOND)) == (0, 0)


def test_the_end_waits_for_what_is_paused() -> None:
    source = MemorySource([Assigned((FIRST,)), records_of(FIRST, ROWS), Ended()])
    poll(source)
    source.pause([FIRST])
    paused = [source.poll(0.0) for _ in range(3)]

    source.resume([FIRST])

    assert paused == [[], [], []]
    assert offsets(source.poll(0.0)) == [0, 1, 2]
    assert source.poll(0.0) == [Ended()]


def test_a_paused_partition_holds_up_no_other() -> None:
    source = MemorySource([Assigned((FIRST, SECOND)), records_of(FIRST, ROWS), records_of(SECOND, ROWS)])
    poll(source)
    source.pause([FIRST])

    polled = [entry for _ in range(3) for entry in source.poll(0.0)]

    assert [entry.topic_partition for entry in polled if isinstance(entry, Records)] == [SECOND]
    assert source.lag(FIRST) == 3
    assert source.lag(SECOND) == 0


def test_seek_needs_an_assigned_partition() -> None:
    with pytest.raises(ValueError, match="seek: expected an assigned partition, got TopicPartition"):
        MemorySource([]).seek(FIRST, 0)


def test_a_sink_keeps_what_was_flushed_apart_from_what_was_only_written() -> None:
    sink = MemorySink()
    first, second = results_of(["a"]), results_of(["b"])

    sink.write(first)
    sink.flush()
    sink.write(second)

    assert sink.durable == [first]
    assert sink.written == [second]
