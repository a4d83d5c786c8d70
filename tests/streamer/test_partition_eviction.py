"""Eviction in a partition: whoever comes and goes, every bit is that of the plain loop, and memory stays flat."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Readings
from streamer import epoch
from streamer.eviction import EvictionOptions
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings
from tests.streamer.plain_loop import Loop, assert_equal_bits, plain_loop, scored

MAX_READINGS = 40  # of an epoch here: many ends in few readings


@pytest.fixture(autouse=True, scope="module")
def short_epochs() -> Iterator[None]:
    """Epochs that end after few readings, or after a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", MAX_READINGS)
        patch.setattr(epoch, "MIN_READINGS", 16)
        patch.setattr(epoch, "MAX_WATERMARK_NS", 60_000_000_000)
        yield


def churn(count: int, seed: int = 0, channels: int = 1) -> Readings:
    """Names that come into fashion and out of it, some to return; instants that many share; late ones, duplicates."""
    rng = np.random.default_rng(seed)
    fashion = np.arange(count) // 30 % 12 * 3
    names = [f"pod-{number}" for number in fashion + rng.integers(9, size=count)]
    seconds = np.cumsum(rng.choice([0, 0, 1, 5], size=count)) - rng.choice([0, 0, 0, 4], size=count)
    values = rng.normal(size=(count, channels)).round(1) + 100
    values[rng.random((count, channels)) < 0.05] = np.nan
    return readings(names, [float(second) for second in seconds], values)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("eviction", [EvictionOptions(max_silent_seconds=30), EvictionOptions(max_series=7)])
def test_with_evictions_batches_give_the_bits_of_the_plain_loop(cell: str, eviction: EvictionOptions) -> None:
    batch, loop = churn(700, channels=2), Loop(judge(cell, channels=2, eviction=eviction))
    expected = loop.advance(batch)
    partition = Partition(judge(cell, channels=2, eviction=eviction), WHERE)

    ours = scored(partition, [batch])

    assert_equal_bits(ours, expected)
    assert len(loop.evicted) > len(set(loop.evicted)) > 20, "many were evicted, and some came back to go again"
    assert sorted(partition.series.names(partition.series.live())) == sorted(loop.series)


@given(
    cuts=st.lists(st.integers(1, 239), max_size=12),
    silent=st.none() | st.integers(1, 90),
    cap=st.integers(1, 20),
    seed=st.integers(0, 3),
)
@settings(max_examples=10, deadline=None)
def test_no_cut_of_the_batches_changes_a_bit_or_an_eviction(
    cuts: list[int], silent: int | None, cap: int, seed: int
) -> None:
    batch, eviction = churn(240, seed), EvictionOptions(max_silent_seconds=silent, max_series=cap)
    bounds = [0, *sorted(set(cuts)), len(batch)]
    pieces = [batch.take(slice(start, stop)) for start, stop in pairwise(bounds)]
    partition = Partition(judge(eviction=eviction), WHERE)

    ours = scored(partition, pieces)

    assert_equal_bits(ours, plain_loop(judge(eviction=eviction), batch))


def test_evictions_are_told_in_their_order_whatever_the_batches() -> None:
    batch, eviction = churn(500), EvictionOptions(max_series=5)
    whole, cut = Partition(judge(eviction=eviction), WHERE), Partition(judge(eviction=eviction), WHERE)
    loop = Loop(judge(eviction=eviction))
    loop.advance(batch)

    at_once = whole.advance(batch).evicted
    piece_by_piece = [name for start in range(500) for name in cut.advance(batch.take(slice(start, start + 1))).evicted]

    assert sorted(at_once) == sorted(piece_by_piece) == sorted(loop.evicted)


def test_a_series_that_was_evicted_and_comes_back_is_new() -> None:
    steady = readings(["a"] * 80, list(np.arange(80.0)), np.arange(80.0)[:, None] % 7)
    others = readings(["b"] * 40, list(np.arange(1000.0, 1040.0)), np.arange(40.0)[:, None] % 5, first_offset=80)
    back = readings(["a"], [1041], [[3]], first_offset=120)
    partition = Partition(judge(eviction=EvictionOptions(max_silent_seconds=500)), WHERE)
    [*_, known] = partition.advance(steady).results

    evicted = partition.advance(others).evicted
    [result] = partition.advance(back).results

    assert not known.warming[-1]
    assert evicted == ["a"]
    assert result.warming.all()
    assert np.isnan(result.forecast).all()


def test_rows_of_evicted_series_are_told_apart_from_those_of_their_successors() -> None:
    first = readings(["a"] * MAX_READINGS, list(np.arange(40.0)), np.arange(40.0)[:, None])
    then = readings(["b"] * MAX_READINGS, list(np.arange(900.0, 940.0)), np.arange(40.0)[:, None], first_offset=40)
    last = readings(["c"], [941], [[1]], first_offset=80)
    partition = Partition(judge(eviction=EvictionOptions(max_silent_seconds=500)), WHERE)

    progress = partition.advance(joined(first, then, last))

    assert [set(rows.tolist()) for rows in progress.rows] == [{0}, {2}, {1, 2}]
    assert [rows.tolist() for rows in progress.released] == [[1]]
    assert progress.evicted == ["a"]


def joined(*parts: Readings) -> Readings:
    """Batches one after the other, as one."""
    columns = ("series", "offset", "index", "timestamp", "values", "present")
    return Readings("machines", WHERE, *(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


@pytest.mark.parametrize("batch_readings", [7, 40, 1000])
def test_generations_of_series_leave_the_tables_no_larger_than_the_cap_and_an_epoch(batch_readings: int) -> None:
    cap = 50
    partition = Partition(judge(eviction=EvictionOptions(max_series=cap)), WHERE)
    generations, per_generation = 50, 100
    count = generations * per_generation
    names = [f"pod-{number}" for number in range(count)]
    batch = readings(names, list(np.arange(float(count))), np.ones((count, 1)))

    for start in range(0, count, batch_readings):
        partition.advance(batch.take(slice(start, start + batch_readings)))

    assert partition.series.height <= 1 + cap + 2 * MAX_READINGS
    assert cap <= len(partition.series) <= cap + MAX_READINGS
    assert partition.table.rows <= 2 * (1 + cap + 2 * MAX_READINGS)
