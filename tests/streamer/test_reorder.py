"""The reorder buffer: what is late by no more than the bound comes out in its place, wherever the batches are cut."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Readings
from streamer import order
from streamer.order import NEVER, OrderOptions
from streamer.reorder import ReorderBuffer
from streamer.series_rows import HostColumns, SeriesRows
from tests.streamer.fleets import SECOND_NS, WHERE, readings

Arrival = tuple[str, float]  # series, second
ARRIVALS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12).map(float)), max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=6)
OPTIONS = st.builds(OrderOptions, reorder_seconds=st.integers(0, 6), max_held_readings=st.sampled_from([1, 2, 5, 100]))


def arrivals(batch: Sequence[Arrival]) -> Readings:
    """Readings whose values tell them apart."""
    if not batch:
        return Readings.none("machines", WHERE, channels=1)
    return readings([name for name, _ in batch], [second for _, second in batch], [[i] for i in range(len(batch))])


def empty() -> ReorderBuffer:
    return ReorderBuffer.empty("machines", WHERE, channels=1)


def pushed(whole: Readings, cuts: list[int], options: OrderOptions) -> tuple[list[int], ReorderBuffer]:
    """Push in parts, through a checkpoint between any two. -> offsets in the order of release, the buffer after."""
    buffer, released = empty(), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(whole)], strict=True):
        out, buffer = buffer.push(whole.take(slice(start, stop)), options)
        buffer = ReorderBuffer.from_columns("machines", WHERE, buffer.to_columns())
        released += out.offset.tolist()
    return released, buffer


def plainly(batch: list[Arrival], options: OrderOptions) -> tuple[list[int], list[int]]:
    """One reading at a time, by the definition. -> offsets in the order of release, and those that still wait."""
    released: list[int] = []
    held: dict[int, float] = {}
    for offset, (_, second) in enumerate(batch):
        held[offset] = second
        watermarks = [max(s for _, s in batch[: end + 1]) for end in range(offset + 1)]
        floor = watermarks[offset] - options.reorder_seconds
        if offset >= options.max_held_readings:
            floor = max(floor, watermarks[offset - options.max_held_readings])
        for number in sorted(held, key=lambda number: (held[number], number)):
            if held[number] <= floor:
                released.append(number)
                del held[number]
    return released, list(held)


@given(batch=ARRIVALS, cuts=CUTS, options=OPTIONS)
def test_any_cuts_release_what_the_plain_loop_releases(
    batch: list[Arrival], cuts: list[int], options: OrderOptions
) -> None:
    released, buffer = pushed(arrivals(batch), [min(cut, len(batch)) for cut in cuts], options)

    assert (released, buffer.held.offset.tolist()) == plainly(batch, options)
    assert len(buffer) <= options.max_held_readings
    assert buffer.arrived == len(batch) == len(released) + len(buffer)
    assert buffer.watermark == max((int(second * SECOND_NS) for _, second in batch), default=NEVER)


@given(batch=ARRIVALS.filter(len), bound=st.integers(0, 6))
def test_who_is_late_by_no_more_than_the_bound_is_scored(batch: list[Arrival], bound: int) -> None:
    options = OrderOptions(reorder_seconds=bound, duplicates="keep")
    out, buffer = empty().push(arrivals(batch), options)
    in_order = out.followed_by(buffer.flush()[0])

    verdict = order.judge(in_order, SeriesRows().of(in_order.series), HostColumns(order.initial_columns(1)), options)

    for offset, is_late in zip(in_order.offset.tolist(), verdict.late.tolist(), strict=True):
        name, second = batch[offset]
        is_within = second >= max(s for _, s in batch[: offset + 1]) - bound
        is_overtaken = any(n == name and s > second for n, s in batch[:offset])
        assert not (is_late and (is_within or not is_overtaken))


def test_without_a_bound_nothing_waits_and_nothing_moves() -> None:
    came = arrivals([("a", 5), ("b", 1), ("a", 3), ("a", 9)])

    out, buffer = empty().push(came, OrderOptions())

    assert out.offset.tolist() == [0, 1, 2, 3]
    assert len(buffer) == 0


def test_a_reading_waits_until_the_watermark_has_passed_it_by_the_bound() -> None:
    options = OrderOptions(reorder_seconds=10)
    out, buffer = empty().push(arrivals([("a", 20), ("a", 29), ("b", 21)]), options)
    assert out.offset.tolist() == []

    out, buffer = buffer.push(readings(["c"], [31], [[0]], first_offset=3), options)

    assert out.offset.tolist() == [0, 2]  # by time, not by arrival
    assert buffer.held.offset.tolist() == [1, 3]


def test_the_late_find_their_place_among_the_newest_of_a_crowd_too() -> None:
    options = OrderOptions(reorder_seconds=1000, max_held_readings=2)
    crowd = [("a", second) for second in (10.0, 11.0, 13.0, 12.0, 14.0, 9.0)]

    out, buffer = empty().push(arrivals(crowd), options)

    assert out.timestamp.tolist() == [second * SECOND_NS for second in (10, 11, 12, 13, 9)]  # 9 is too late even so
    assert buffer.held.timestamp.tolist() == [14 * SECOND_NS]


def test_a_flush_releases_all_in_order_and_leaves_nothing() -> None:
    _, buffer = empty().push(arrivals([("a", 5), ("b", 3), ("a", 4), ("c", 4)]), OrderOptions(reorder_seconds=60))

    out, after = buffer.flush()

    assert out.offset.tolist() == [1, 2, 3, 0]
    assert len(after) == 0
    assert after.push(arrivals([("a", 4)]), OrderOptions(reorder_seconds=60))[0].offset.tolist() == [0]


def test_a_bound_that_is_taken_away_lets_all_go() -> None:
    _, buffer = empty().push(arrivals([("a", 5), ("b", 3)]), OrderOptions(reorder_seconds=60))

    out, after = buffer.push(readings(["a"], [6], [[0]], first_offset=2), OrderOptions())

    assert out.offset.tolist() == [1, 0, 2]
    assert len(after) == 0


@pytest.mark.parametrize("timestamp", [NEVER + 1, -1, 2**63 - 1])
def test_the_ends_of_time_are_held_and_released_as_any_other(timestamp: int) -> None:
    one = readings(["a"], [0], [[0]])
    one.timestamp[:] = timestamp

    out, buffer = empty().push(one, OrderOptions(reorder_seconds=60))

    assert len(out) == 0
    assert buffer.flush()[0].timestamp.tolist() == [timestamp]


@given(st.lists(st.sampled_from(["", "a", "ü€😀", "\n", "a\0b", "\ud800"]), min_size=1))
def test_the_columns_of_a_checkpoint_hold_every_name_and_number(names: list[str]) -> None:
    came = readings(names, [float(i) for i in range(len(names))], [[1.5, np.nan]] * len(names))
    _, buffer = ReorderBuffer.empty("machines", WHERE, 2).push(came, OrderOptions(reorder_seconds=600))

    columns = buffer.to_columns()
    again = ReorderBuffer.from_columns("machines", WHERE, columns)

    assert {array.dtype.name for array in columns.values()} <= {"uint8", "int64", "float64", "bool"}
    assert again.held.series.tolist() == names == buffer.held.series.tolist()
    assert (again.arrived, again.watermark, again.floor) == (buffer.arrived, buffer.watermark, buffer.floor)
    for name in ("offset", "index", "timestamp", "values", "present"):
        np.testing.assert_array_equal(getattr(again.held, name), getattr(buffer.held, name))
    np.testing.assert_array_equal(again.position, buffer.position)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reorder_seconds": -1.0}, "Expected reorder_seconds from 0 to 31622400, got -1.0"),
        ({"reorder_seconds": float("nan")}, "Expected reorder_seconds from 0 to 31622400, got nan"),
        ({"max_held_readings": 0}, "Expected max_held_readings >= 1, got 0"),
    ],
)
def test_an_impossible_bound_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrderOptions(**options)
