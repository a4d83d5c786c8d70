"""A partition that was taken out and put back goes on as if nothing had happened, to the bit."""

import logging
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Readings
from connectors.errors import StateError
from models.artifact import Artifact
from models.forecasters import Spec
from models.forecasters.recurrent import RecurrentForecaster
from streamer import epoch, snapshot
from streamer.alarm_options import AlarmOptions
from streamer.checkpoint import Checkpoint, SavedColumn, decode, encode
from streamer.eviction import EvictionOptions
from streamer.judge import Judge, Judges, make_judge
from streamer.partition import Partition
from tests.streamer.fleets import SECOND_NS, WHERE, judge, steps_on, walk
from tests.streamer.plain_loop import assert_equal_bits, plain_loop, scored


def stored(partition: Partition, next_offset: int = 0) -> Checkpoint:
    """The checkpoint as it comes back from a store."""
    return decode(b"".join(encode(snapshot.take(partition, next_offset))), "test")


def judges_of(first: Judge) -> Judges:
    def make(group: str, choices: object, artifact: Artifact) -> Judge:
        return make_judge(group, choices, artifact, steps_on(first.device), first.phases)  # type: ignore[arg-type]

    return Judges(first.group, first.choices, first.artifact, make)


@cache
def undisturbed(cell: str, channels: int) -> tuple[Judge, Readings, dict[str, np.ndarray]]:
    """A judge, readings, and what comes of them where nothing is restored."""
    ours = judge(cell, channels, eviction=EvictionOptions(max_series=20))
    whole = walk(600, series=40, channels=channels)
    return ours, whole, plain_loop(ours, whole)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("channels", [1, 3])
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, 599), min_size=1, max_size=4, unique=True))
def test_restoring_at_any_point_changes_no_bit(cell: str, channels: int, cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", 50)
        ours, whole, expected = undisturbed(cell, channels)
        bounds = [0, *sorted(cuts), len(whole)]
        partition, results = Partition(ours, WHERE), []

        for start, stop in pairwise(bounds):
            results.append(scored(partition, [whole.take(slice(start, stop))]))
            partition = snapshot.restored(stored(partition), ours)

        joined = {name: np.concatenate([result[name] for result in results]) for name in results[0]}
        assert_equal_bits(joined, expected)


def test_a_copy_does_not_follow_what_happens_next() -> None:
    partition = Partition(judge(), WHERE)
    partition.advance(walk(300, series=10))

    checkpoint = snapshot.take(partition, 300)
    before = b"".join(encode(checkpoint))
    partition.advance(walk(300, series=30, seed=1))

    assert b"".join(encode(checkpoint)) == before


def test_the_judge_is_that_of_the_checkpoint_until_it_has_caught_up() -> None:
    before = judge(line=1e-5)
    judges = judges_of(judge(line=1e-2))
    partition = Partition(before, WHERE)

    in_force = judges.of_checkpoint(stored(partition))

    assert in_force.choices == before.choices
    assert in_force.pool.lines.equal(before.pool.lines)
    assert in_force.artifact.name == before.artifact.name
    assert judges.now(in_force).choices.alarm == AlarmOptions(readings_per_alarm=100)


def test_a_checkpoint_goes_on_with_the_artifact_that_it_was_made_with() -> None:
    other = Artifact(Spec("gru", 32), RecurrentForecaster("gru", 32), judge().artifact.prior)
    partition = Partition(judges_of(judge()).of(judge().choices, other), WHERE)

    in_force = judges_of(judge()).of_checkpoint(stored(partition))

    assert in_force.artifact.name == other.name != judge().artifact.name
    assert judges_of(judge()).now(in_force).artifact.name == other.name


def test_an_unknown_choice_in_a_checkpoint_is_told() -> None:
    checkpoint = stored(Partition(judge(), WHERE))

    with pytest.raises(StateError, match="unknown field `from_the_future`"):
        judges_of(judge()).of_checkpoint(replace(checkpoint, settings={"from_the_future": 1}))


def changed(checkpoint: Checkpoint, **columns: SavedColumn | None) -> Checkpoint:
    kept = {name: column for name, column in (checkpoint.columns | columns).items() if column is not None}
    return replace(checkpoint, columns=kept)


@pytest.mark.parametrize("change", ["missing", "of an older version", "of another shape"])
def test_a_column_that_does_not_fit_begins_anew_and_its_series_are_warming(
    change: str, caplog: pytest.LogCaptureFixture
) -> None:
    partition = Partition(judge(), WHERE)
    partition.advance(walk(2_000, series=10))
    checkpoint = stored(partition)
    scale = checkpoint.columns["scale"]
    odd = {
        "missing": None,
        "of an older version": SavedColumn(0, scale.values),
        "of another shape": SavedColumn(scale.version, np.concatenate((scale.values, scale.values), axis=1)),
    }[change]

    with caplog.at_level(logging.WARNING):
        restored = snapshot.restored(changed(checkpoint, scale=odd), judge())

    assert "columns ['readings', 'scale'] begin anew" in caplog.text
    table = restored.table
    state = table.layout.views(table.gather(torch.from_numpy(restored.series.live())))
    assert not state["scale"].any()
    np.testing.assert_array_equal(state["last"], checkpoint.columns["last"].values)
    later = walk(10, series=10, seed=1)
    [results] = restored.advance(replace(later, timestamp=later.timestamp + 2_500 * SECOND_NS)).results
    assert results.warming.all()


def test_series_are_warming_too_where_a_column_of_the_host_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    partition = Partition(judge(), WHERE)
    partition.advance(walk(2_000, series=10))

    restored = snapshot.restored(changed(stored(partition), last_timestamp=None), judge())

    assert "columns ['last_timestamp', 'readings'] begin anew and their series are warming" in caplog.text
    [results] = restored.advance(walk(10, series=10, seed=1)).results
    assert results.warming.all()


def test_a_column_that_nobody_wants_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    partition = Partition(judge(), WHERE)
    partition.advance(walk(100, series=10))
    more = changed(stored(partition), mood=SavedColumn(1, np.zeros(10, np.float32)))

    with caplog.at_level(logging.WARNING):
        restored = snapshot.restored(more, judge())

    assert "columns ['mood'] are dropped" in caplog.text
    after = walk(100, series=10, seed=1)
    assert_equal_bits(scored(restored, [after]), scored(partition, [after]))


def test_a_checkpoint_of_another_cell_is_gone_on_with_by_its_own_weights() -> None:
    partition, reference = Partition(judge("lstm"), WHERE), Partition(judge("lstm"), WHERE)
    first, second = walk(200, series=10), walk(200, series=10, seed=1)
    scored(partition, [first])
    scored(reference, [first])
    judges = judges_of(judge("gru"))
    checkpoint = stored(partition)

    restored = snapshot.restored(checkpoint, judges.of_checkpoint(checkpoint))
    restored.adopt(judges.now(restored.judge))

    assert_equal_bits(scored(restored, [second]), scored(reference, [second]))


def test_other_channels_are_refused_at_the_barrier() -> None:
    partition = Partition(judge(channels=2), WHERE)

    with pytest.raises(StateError, match=r"Expected the channels .* \['c0', 'c1'\].* got \['c0', 'c1', 'c2'\]"):
        partition.adopt(judge(channels=3))


def test_other_horizons_are_refused_at_the_barrier() -> None:
    partition = Partition(judge(horizons=[1, 4]), WHERE)

    with pytest.raises(StateError, match=r"at the horizons \[1, 4\], .*got .* at the horizons \[1\]; `streamer reset`"):
        partition.adopt(judge())


def test_horizons_that_the_artifact_of_a_checkpoint_cannot_reach_are_refused() -> None:
    before = judge(forecaster="recurrent")
    judges = judges_of(judge(horizons=[1, 24]))

    with pytest.raises(StateError, match=r"horizons: .* got \(1, 24\), by the artifact gru32-.*; `streamer reset`"):
        judges.now(before)
