"""Joining: channels that come apart become the readings that they are parts of, wherever the batches are cut."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Readings
from streamer.order import NEVER, OrderOptions
from streamer.partition import Partition
from streamer.reorder import ReorderBuffer
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings, walk
from tests.streamer.plain_loop import assert_equal_bits, plain_loop, scored

Part = tuple[str, int, int | None]  # series, second, channel that has a value
DRAWN = st.tuples(st.sampled_from("ab"), st.integers(-5, 5), st.sampled_from([0, 1, None]))
PARTS = st.lists(DRAWN, min_size=1, max_size=40).map(  # a second apart, and each somewhat late or early
    lambda drawn: [(name, second + shift, channel) for second, (name, shift, channel) in enumerate(drawn)]
)
CUTS = st.lists(st.integers(0, 40), max_size=6) | st.just([*range(41)])
OPTIONS = st.builds(
    OrderOptions,
    join_seconds=st.sampled_from([1, 4, 10]),
    reorder_seconds=st.integers(0, 6),
    max_held_readings=st.sampled_from([1, 2, 5, 100]),
)


class Whole(NamedTuple):
    """A reading, by what can be told of it."""

    series: str
    begin: int
    values: tuple[int | None, ...]  # of both channels: the offsets of the parts that they are of
    offset: int


def arrivals(parts: Sequence[Part]) -> Readings:
    """Readings of one channel, whose values are their offsets."""
    values = [
        [offset if channel == place else np.nan for place in (0, 1)] for offset, (_, _, channel) in enumerate(parts)
    ]
    return readings([name for name, _, _ in parts], [second for _, second, _ in parts], values)


def told(batch: Readings) -> list[Whole]:
    """What is in a batch, in order."""
    assert (batch.present == ~np.isnan(batch.values)).all()
    values = [tuple(None if np.isnan(one) else int(one) for one in row) for row in batch.values]
    begins = (batch.timestamp // SECOND_NS).tolist()
    return [Whole(*one) for one in zip(batch.series.tolist(), begins, values, batch.offset.tolist(), strict=True)]


def pushed(whole: Readings, cuts: list[int], options: OrderOptions) -> tuple[list[Whole], ReorderBuffer]:
    """Push in parts, through a checkpoint between any two. -> what was released, in order; the buffer after."""
    buffer, released = ReorderBuffer.empty("machines", WHERE, channels=2), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(whole)], strict=True):
        out, buffer = buffer.push(whole.take(slice(start, stop)), options)
        buffer = ReorderBuffer.from_columns("machines", WHERE, buffer.to_columns())
        released += told(out)
    return released, buffer


def plainly(parts: list[Part], options: OrderOptions) -> tuple[list[Whole], list[Whole]]:
    """One part at a time, by the definition. -> what is released, in order, and what still waits."""
    released: list[Whole] = []
    held: list[Whole] = []
    begins: list[int] = []
    watermark, floor = -(10**9), -(10**9)
    for offset, (name, second, channel) in enumerate(parts):
        begin = second // int(options.join_seconds) * int(options.join_seconds)
        values = tuple(offset if channel == place else None for place in (0, 1))
        watermark = max(watermark, second)
        begins.append(begin)
        place = next((i for i, one in enumerate(held) if (one.series, one.begin) == (name, begin)), None)
        if begin <= floor or place is None:
            held.append(Whole(name, begin, values, offset))
        else:
            before = held[place].values
            newest = tuple(old if new is None else new for old, new in zip(before, values, strict=True))
            held[place] = Whole(name, begin, newest, offset)
        floor = max(floor, watermark - int(options.join_seconds + options.reorder_seconds))
        if offset >= options.max_held_readings:
            floor = max(floor, *begins[: offset - options.max_held_readings + 1])
        released += sorted((one for one in held if one.begin <= floor), key=lambda one: one.begin)
        held = [one for one in held if one.begin > floor]
    return released, held


@settings(deadline=None)
@given(parts=PARTS, cuts=CUTS, options=OPTIONS)
def test_any_cuts_join_what_the_plain_loop_joins(parts: list[Part], cuts: list[int], options: OrderOptions) -> None:
    released, buffer = pushed(arrivals(parts), [min(cut, len(parts)) for cut in cuts], options)

    assert (released, told(buffer.held)) == plainly(parts, options)
    assert len(buffer) <= options.max_held_readings
    assert buffer.watermark == max(second for _, second, _ in parts) * SECOND_NS


def apart(batch: Readings, rng: np.random.Generator) -> Readings:
    """The same readings, a record for each channel that has a value, somewhere in their second and a little late."""
    row, channel = np.nonzero(batch.present)
    later = rng.uniform(0, 2.5, len(row))
    order = np.argsort(batch.timestamp[row] / SECOND_NS + later, kind="stable")
    row, channel = row[order], channel[order]
    values = np.full((len(row), batch.values.shape[1]), np.nan)
    values[np.arange(len(row)), channel] = batch.values[row, channel]
    seconds = batch.timestamp[row] // SECOND_NS + rng.uniform(0, 0.999, len(row))
    return readings(batch.series[row].tolist(), seconds.tolist(), values)


@pytest.mark.parametrize("size", [37, 10_000])
def test_channels_that_came_apart_get_the_bits_of_readings_that_came_whole(size: int) -> None:
    whole = walk(300, series=7, channels=3)
    whole = whole.take(whole.present.any(axis=1))
    parts = apart(whole, np.random.default_rng(1))
    partition = Partition(judge(channels=3, order=OrderOptions(join_seconds=1, reorder_seconds=4)), WHERE)

    ours = scored(partition, [parts.take(slice(start, start + size)) for start in range(0, len(parts), size)])
    held = len(partition.buffer)

    expected = plain_loop(judge(channels=3), whole.take(slice(0, len(whole) - held)))
    assert 0 < held < 10
    assert_equal_bits(ours, expected)


def test_a_reading_is_out_when_its_interval_and_the_time_for_the_late_are_over() -> None:
    options = OrderOptions(join_seconds=60, reorder_seconds=5)
    parts = arrivals([("a", 61, 0), ("a", 119, 1), ("b", 124, 0)])
    out, buffer = ReorderBuffer.empty("machines", WHERE, 2).push(parts, options)
    assert told(out) == []

    out, buffer = buffer.push(readings(["b"], [125], [[3, np.nan]], first_offset=3), options)

    assert told(out) == [Whole("a", 60, (0, 1), offset=1)]
    assert told(buffer.held) == [Whole("b", 120, (3, None), offset=3)]  # of two values of a channel the last


def test_a_part_that_comes_too_late_is_judged_by_order_on_its_own() -> None:
    order = OrderOptions(join_seconds=10)
    parts = [("a", 1, 0), ("a", 12, 0), ("a", 25, 0), ("a", 13, 1), ("a", 2, 1), ("b", 14, 0), ("b", 15, 1)]
    partition = Partition(judge(channels=2, order=order), WHERE)

    progress = partition.advance(arrivals(parts))

    [(released, verdict)] = progress.verdicts
    assert told(released)[:2] == [Whole("a", 0, (0, None), 0), Whole("a", 10, (1, None), 1)]
    by_offset = dict(zip(released.offset.tolist(), verdict.late.tolist(), strict=True))
    assert by_offset == {
        0: False,
        1: False,
        3: False,
        4: True,
        5: False,
        6: False,
    }  # b, and a at 10 once more, are in order


def test_a_bound_on_those_that_wait_counts_readings_and_not_their_parts() -> None:
    options = OrderOptions(join_seconds=1000, max_held_readings=3)
    parts = [("a", 1, 0), ("b", 1, 0), ("a", 2, 1), ("b", 3, 1)]

    out, buffer = ReorderBuffer.empty("machines", WHERE, 2).push(arrivals(parts[:3]), options)

    assert told(out) == []
    assert told(buffer.held) == [Whole("a", 0, (0, 2), 2), Whole("b", 0, (1, None), 1)]


@pytest.mark.parametrize("timestamp", [NEVER + 1, -1, 2**63 - 1])
def test_the_ends_of_time_have_an_interval_too(timestamp: int) -> None:
    one = readings(["a"], [0], [[0]])
    one.timestamp[:] = timestamp

    _, buffer = ReorderBuffer.empty("machines", WHERE, 1).push(one, OrderOptions(join_seconds=60))

    [begin] = buffer.flush()[0].timestamp.tolist()
    assert abs(timestamp - begin) <= 60 * SECOND_NS


def test_a_flush_leaves_nothing_and_who_comes_then_is_alone() -> None:
    options = OrderOptions(join_seconds=10)
    _, buffer = ReorderBuffer.empty("machines", WHERE, 2).push(arrivals([("a", 1, 0), ("a", 2, 1)]), options)

    out, after = buffer.flush()
    late, after = after.push(readings(["a"], [2], [[2, np.nan]], first_offset=2), options)

    assert told(out) == [Whole("a", 0, (0, 1), 1)]
    assert told(late) == [Whole("a", 0, (2, None), 2)]
    assert len(after) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"join_seconds": -1.0}, "Expected join_seconds from 0 to 31622400, got -1.0"),
        ({"join_seconds": float("nan")}, "Expected join_seconds from 0 to 31622400, got nan"),
    ],
)
def test_an_impossible_interval_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrderOptions(**options)
