"""A partition's outputs are a function of its readings in order: no batch cut, neighbour or tile reaches a bit."""

import logging
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Readings, Results
from models.alarm import KINDS
from streamer.feedback import Tolerance
from streamer.judge import Judge
from streamer.order import OrderOptions
from streamer.partition import Partition, Progress
from streamer.step import Patience, Step
from streamer.tolerance import Tolerances
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings, walk
from tests.streamer.plain_loop import assert_equal_bits, plain_loop, scored
from tests.streamer.steps import CALLED, WHERE_COMPILED


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_give_the_bits_of_the_plain_loop(cell: str, channels: int) -> None:
    batch = walk(200, series=14, channels=channels)

    ours = scored(Partition(judge(cell, channels), WHERE), [batch])

    assert_equal_bits(ours, plain_loop(judge(cell, channels), batch, CALLED))


@WHERE_COMPILED
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_machine_code_gives_the_bits_of_the_plain_loop(cell: str, caplog: pytest.LogCaptureFixture) -> None:
    batch, compiling = walk(1_200, series=200), judge(cell)
    compiling = replace(compiling, step=Step(compiling.detector, Patience(2, compiled=3, trials=2)))
    partition = Partition(compiling, WHERE)

    with caplog.at_level(logging.INFO, "streamer"):
        first = scored(partition, [batch.take(slice(0, 200))])
        compiling.step.settle()
        rest = scored(partition, [batch.take(slice(start, start + 250)) for start in range(200, 1_200, 250)])

    assert "a step is machine code now" in caplog.text
    assert [compiling.step.padded_rows(rows) for rows in (1, 32, 143)] == [32, 32, 160]
    assert [Step(compiling.detector).padded_rows(rows) for rows in (1, 32, 143)] == [32, 32, 256]
    ours = {name: np.concatenate([column, rest[name]]) for name, column in first.items()}
    assert_equal_bits(ours, plain_loop(judge(cell), batch))


@pytest.mark.parametrize(("forecaster", "tier"), [("combiner", "rich"), ("combiner", "compact"), ("experts", "rich")])
def test_further_horizons_of_several_channels_have_the_bits_of_the_plain_loop(forecaster: str, tier: str) -> None:
    batch = walk(480, series=40, channels=3)

    def ours_of() -> Judge:
        return judge(channels=3, horizons=[1, 4], forecaster=forecaster, tier=tier, time_zone="America/Los_Angeles")

    ours = scored(Partition(ours_of(), WHERE), [batch.take(slice(0, 300)), batch.take(slice(300, None))])

    assert_equal_bits(ours, plain_loop(ours_of(), batch))
    assert np.isfinite(ours["ahead.forecast"]).mean() > 0.9
    assert (ours["ahead.upper"] > ours["ahead.lower"])[np.isfinite(ours["ahead.upper"])].all()


@cache
def in_one_piece(series: int) -> tuple[Readings, dict[str, np.ndarray]]:
    """Readings, and what comes of them as one batch."""
    batch = walk(300, series, channels=2, seed=series)
    return batch, scored(Partition(judge(channels=2), WHERE), [batch])


@given(cuts=st.lists(st.integers(1, 299), max_size=8), series=st.sampled_from([1, 7, 200]))
@settings(max_examples=12, deadline=None)
def test_no_cut_of_the_batches_changes_a_bit(cuts: list[int], series: int) -> None:
    batch, expected = in_one_piece(series)
    bounds = [0, *sorted(set(cuts)), len(batch)]
    pieces = [batch.take(slice(start, stop)) for start, stop in pairwise(bounds)]

    ours = scored(Partition(judge(channels=2), WHERE), pieces)

    assert_equal_bits(ours, expected)


def test_permuted_channels_permute_the_outputs() -> None:
    batch = walk(200, series=4, channels=3)
    order = [2, 0, 1]
    permuted = replace(batch, values=batch.values[:, order], present=batch.present[:, order])

    ours = scored(Partition(judge(channels=3), WHERE), [permuted])

    expected = scored(Partition(judge(channels=3), WHERE), [batch])
    np.testing.assert_allclose(ours["forecast"], expected["forecast"][:, order], rtol=1e-4)
    np.testing.assert_allclose(ours["anomaly_score"], expected["anomaly_score"], atol=1e-3)


def test_epochs_end_at_4096_accepted_readings_whatever_the_batches() -> None:
    batch = walk(9000, series=900)
    whole, cut = Partition(judge(), WHERE), Partition(judge(), WHERE)

    progress = whole.advance(batch)
    for start in range(0, 9000, 700):
        cut.advance(batch.take(slice(start, start + 700)))

    assert progress.epochs_closed == 2
    assert whole.epoch == cut.epoch
    assert torch.equal(whole.pool.closed, cut.pool.closed)
    assert torch.equal(whole.pool.open, cut.pool.open)


def test_the_open_epoch_only_counts() -> None:
    partition = Partition(judge(), WHERE)
    prior = int(partition.pool.closed.sum())

    partition.advance(walk(300, series=3))

    assert int(partition.pool.closed.sum()) == prior
    assert int(partition.pool.open.sum()) > 250


def spike(partition: Partition) -> Progress:
    """A calm series, one reading far out, calm again."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=200) + 50
    values[150] = 90
    return partition.advance(readings(["a"] * 200, list(np.arange(200.0)), values[:, None]))


def test_a_spike_opens_an_alarm_that_closes_and_keeps_its_identity() -> None:
    progress = spike(Partition(judge(line=1e-4), WHERE))

    [alarms] = progress.alarms
    at = alarms.event.index("opened")
    assert alarms.results.readings.offset[at] == 150
    assert alarms.event[at : at + 2] == ["opened", "closed"]
    assert alarms.alarm_id[at] == alarms.alarm_id[at + 1]
    assert alarms.peak_score[at + 1] >= alarms.peak_score[at] > 1
    assert alarms.opened_timestamp[at + 1] == 150_000_000_000
    assert spike(Partition(judge(line=1e-4), WHERE)).alarms[0].alarm_id == alarms.alarm_id  # a replay says the same


def test_a_spike_does_not_poison_the_band() -> None:
    [results] = spike(Partition(judge(line=1e-4), WHERE)).results

    width = (results.upper - results.lower)[:, 0]
    assert np.median(width[180:]) < 2 * np.median(width[100:150])


def test_a_flat_series_stays_quiet() -> None:
    progress = Partition(judge(), WHERE).advance(readings(["a"] * 500, list(np.arange(500.0)), np.full((500, 1), 5.0)))

    assert progress.alarms == []


def test_a_first_reading_has_no_forecast_and_no_score() -> None:
    [results] = Partition(judge(), WHERE).advance(readings(["a", "a"], [0, 1], [[5], [6]])).results

    assert np.isnan(results.forecast[0]).all()
    assert results.anomaly_score[0] == 0
    assert np.isfinite(results.forecast[1]).all()
    assert results.warming.all()


def test_a_reading_with_nothing_in_it_is_scored_zero_and_forgets_nothing() -> None:
    batch = walk(100, series=1)
    hole = readings(["pump-0"], [100], [[np.nan]])
    partition = Partition(judge(), WHERE)
    partition.advance(batch)

    [results] = partition.advance(hole).results

    assert results.anomaly_score[0] == 0
    assert np.isnan(results.value[0]).all()
    assert np.isfinite(results.forecast[0]).all()


def test_a_gap_widens_the_band() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(301, 1)) + 20
    steady = readings(["a"] * 301, list(np.arange(301.0)), values)
    gapped = readings(["a"] * 301, [*np.arange(300.0), 360.0], values)

    [narrow] = Partition(judge(), WHERE).advance(steady).results
    [wide] = Partition(judge(), WHERE).advance(gapped).results

    assert (wide.upper - wide.lower)[-1] > 5 * (narrow.upper - narrow.lower)[-1]


def test_late_and_duplicate_readings_are_refused_and_leave_no_trace() -> None:
    clean = readings(["a"] * 5, [0, 1, 2, 3, 4], [[1], [2], [3], [4], [5]])
    messy = readings(["a"] * 7, [0, 1, 1, 2, 0.5, 3, 4], [[1], [2], [2], [3], [99], [4], [5]])

    ours = Partition(judge(), WHERE).advance(messy)

    [(_, verdict)] = ours.verdicts
    assert verdict.duplicate.tolist() == [False, False, True, False, False, False, False]
    assert verdict.late.tolist() == [False, False, False, False, True, False, False]
    [expected] = Partition(judge(), WHERE).advance(clean).results
    assert_equal_scores(ours.results[0], expected)


def test_readings_of_one_instant_are_kept_where_the_group_says_so() -> None:
    ticks = readings(["a"] * 4, [0, 1, 1, 1], [[1], [2], [2], [3]])

    progress = Partition(judge(order=OrderOptions(duplicates="keep")), WHERE).advance(ticks)

    assert len(progress.results[0]) == 4


def assert_equal_scores(ours: Results, expected: Results) -> None:
    np.testing.assert_array_equal(ours.anomaly_score, expected.anomaly_score)
    np.testing.assert_array_equal(ours.forecast, expected.forecast)


def test_raised_lines_have_the_bits_of_the_plain_loop_however_the_batches_are_cut() -> None:
    batch = walk(600, series=10)
    raised = [
        Tolerance(series=f"pump-{number}", kind=KINDS[number % 2], factor=1.5 + number, since=0, until=400 * SECOND_NS)
        for number in range(6)
    ]
    ours = replace(judge(line=0.05), tolerances=Tolerances(raised))

    whole, cut = (
        scored(Partition(ours, WHERE), [batch.take(slice(*piece)) for piece in pieces])
        for pieces in ([(0, 600)], [(0, 7), (7, 250), (250, 600)])
    )

    assert_equal_bits(cut, whole)
    assert_equal_bits(whole, plain_loop(ours, batch))
    assert (whole["anomaly_score"] < scored(Partition(judge(line=0.05), WHERE), [batch])["anomaly_score"]).any()
