"""A shadow is heard by nobody, takes over without a break in what the world was told, and forgets with its champion."""

from dataclasses import replace

import numpy as np
import pytest

from connectors.columns import Alarms, Readings
from models import alarm
from streamer import epoch, snapshot
from streamer.eviction import EvictionOptions
from streamer.judge import Judge
from streamer.partition import Partition
from streamer.series_rows import PADDING_ROW
from streamer.shadow import Shadow
from streamer.succession import moved
from tests.streamer.fleets import WHERE, judge, readings, walk
from tests.streamer.plain_loop import assert_equal_bits, scored
from tests.streamer.rivals import NEVER, followed, joined, judged_by, rival, swapped_loop

CELLS = ["gru", "lstm"]
COUNT, BARRIER = 900, 500


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", 70)


def pair(cell: str, **options: object) -> tuple[Judge, Judge]:
    champion = judge(cell, **options)  # type: ignore[arg-type]
    return champion, judged_by(rival(cell), champion)


def cuts(batch: Readings, *stops: int) -> list[Readings]:
    return [batch.take(slice(start, stop)) for start, stop in zip((0, *stops), (*stops, len(batch)), strict=True)]


def alarms_of(partition: Partition, batch: Readings) -> list[tuple[str, str, str]]:
    changed: list[Alarms] = partition.advance(batch).alarms
    return [
        (str(series), event, alarm_id)
        for one in changed
        for series, event, alarm_id in zip(one.results.readings.series, one.event, one.alarm_id, strict=True)
    ]


@pytest.mark.parametrize("cell", CELLS)
def test_a_shadow_changes_nothing_that_the_champion_says(cell: str) -> None:
    champion, challenger = pair(cell)
    batch = walk(COUNT, series=12)

    ours = scored(followed(champion, challenger), cuts(batch, 200, 500))

    assert_equal_bits(ours, scored(Partition(champion, WHERE), [batch]))


@pytest.mark.parametrize("cell", CELLS)
def test_after_the_barrier_it_says_what_the_challenger_would_have_said_all_along(cell: str) -> None:
    champion, challenger = pair(cell, line=0.05)
    before, after = cuts(walk(COUNT, series=12), BARRIER)
    partition = followed(champion, challenger)
    told = scored(partition, cuts(before, 130, 131, 300))

    assert partition.shadow is not None
    partition.succeed(partition.shadow)
    ours = joined([told, scored(partition, cuts(after, 90))])

    expected = swapped_loop(champion, challenger, before, after)
    assert_equal_bits(ours, joined(expected))
    assert (
        ours["forecast"][BARRIER:] != scored(Partition(champion, WHERE), [before, after])["forecast"][BARRIER:]
    ).any()


def test_a_shadow_that_read_the_past_again_is_one_that_followed_all_along() -> None:
    champion, challenger = pair("gru")
    past, live, after = cuts(walk(COUNT, series=12), 300, BARRIER)
    along = followed(champion, challenger)
    scored(along, [past, live])
    late, learner = Partition(champion, WHERE), Partition(challenger, WHERE)
    learner.series.add([f"pump-{number}" for number in (9, 3, 11)])  # rows of its own
    scored(late, [past])
    scored(learner, cuts(past, 77))

    late.shadow = Shadow(moved(learner, late), NEVER)
    scored(late, [live])
    for partition in (along, late):
        assert partition.shadow is not None
        partition.succeed(partition.shadow)

    assert_equal_bits(scored(late, [after]), scored(along, [after]))
    assert (late.pool.closed + late.pool.open).equal(along.pool.closed + along.pool.open)


def test_the_state_of_another_shape_goes_on() -> None:
    champion = judge("gru")
    challenger = judged_by(rival("lstm"), champion)
    partition = followed(champion, challenger)
    before, after = cuts(walk(COUNT, series=12), BARRIER)
    scored(partition, [before])

    assert partition.shadow is not None
    partition.succeed(partition.shadow)
    kept = snapshot.restored(snapshot.take(partition, BARRIER), partition.judge)

    assert_equal_bits(scored(kept, [after]), scored(partition, [after]))


def test_an_alarm_that_is_open_at_the_barrier_is_closed_once_and_not_opened_again() -> None:
    champion, challenger = pair("gru", line=1e-3)
    values = np.random.default_rng(1).normal(100.0, 1.0, size=(200, 1))
    values[60] = 900.0
    batch = readings(["pump"] * 200, list(range(200)), values)
    before, after = cuts(batch, 61)
    partition = followed(champion, challenger)
    opened = alarms_of(partition, before)

    assert partition.shadow is not None
    assert partition.shadow.learnt.table.views["alarm_score"][1].gt(0).tolist() == [True, False]
    partition.shadow.learnt.table.views["alarm_score"][1] = 0  # a challenger that had not seen it coming
    partition.succeed(partition.shadow)
    closed = alarms_of(partition, after)

    [(series, event, alarm_id)] = opened
    assert (series, event) == ("pump", "opened")
    assert closed == [("pump", "closed", alarm_id)]


def test_an_alarm_of_the_challenger_alone_is_none_after_the_barrier() -> None:
    champion, challenger = pair("gru")
    partition = followed(champion, challenger)
    before, after = cuts(walk(200, series=3), 150)
    scored(partition, [before])

    assert partition.shadow is not None
    for name in (column.name for column in alarm.columns()):
        partition.shadow.learnt.table.views[name][:] = 1
    partition.succeed(partition.shadow)

    assert alarms_of(partition, after) == []


def test_a_series_that_the_past_does_not_hold_begins_anew_and_is_warming() -> None:
    champion, challenger = pair("gru")
    partition, learner = Partition(champion, WHERE), Partition(challenger, WHERE)
    batch = walk(400, series=4)
    scored(partition, [batch])
    scored(learner, [batch.take(batch.series != "pump-2")])

    partition.shadow = Shadow(moved(learner, partition), NEVER)
    partition.succeed(partition.shadow)
    next_readings = readings(["pump-1", "pump-2"], [500, 501], [[100.0], [100.0]])

    assert scored(partition, [next_readings])["warming"].tolist() == [False, True]


def test_a_series_that_the_champion_has_forgotten_is_not_brought_back() -> None:
    champion, challenger = pair("gru")
    partition, learner = Partition(champion, WHERE), Partition(challenger, WHERE)
    batch = walk(400, series=4)
    scored(partition, [batch.take(batch.series != "pump-2")])
    scored(learner, [batch])

    learnt = moved(learner, partition)

    assert "pump-2" not in partition.series
    assert set(np.flatnonzero(learnt.table.views["readings"]).tolist()) == set(partition.series.live().tolist())


def test_what_the_champion_evicts_its_shadow_forgets() -> None:
    champion, challenger = pair("gru", eviction=EvictionOptions(max_series=2))
    partition = followed(champion, challenger)

    scored(partition, [walk(COUNT, series=12)])

    assert partition.shadow is not None
    heard = partition.shadow.learnt.table.views["readings"]
    rows = set(np.flatnonzero(heard).tolist()) - {PADDING_ROW}
    assert rows == set(np.flatnonzero(partition.table.views["readings"]).tolist()) - {PADDING_ROW}


def test_what_is_judged_by_after_the_barrier_is_what_the_challenger_counted() -> None:
    champion, challenger = pair("gru")
    partition = followed(champion, challenger)
    scored(partition, [walk(COUNT, series=12)])
    assert partition.shadow is not None
    counted = partition.shadow.learnt.pool
    where_it_stood = partition.pool.epoch, partition.epoch

    partition.succeed(partition.shadow)

    assert partition.pool.closed.equal(counted.closed)
    assert partition.pool.open.equal(counted.open)
    assert (counted.closed + counted.open - challenger.pool.closed).sum() > 0
    assert (partition.pool.epoch, partition.epoch) == where_it_stood


def test_both_are_weighed_on_the_same_readings() -> None:
    champion, challenger = pair("gru")
    partition = followed(champion, challenger)
    batch = walk(COUNT, series=12)

    progress = partition.advance(batch)

    assert sum(len(duel.readings) for duel in progress.duels) == COUNT
    for duel in progress.duels:
        assert duel.champion.is_judged.equal(duel.challenger.is_judged)
        assert (duel.champion.crps != duel.challenger.crps).any()


def test_what_was_in_force_can_be_put_back() -> None:
    champion, challenger = pair("gru")
    partition = followed(champion, challenger)
    before, after = cuts(walk(COUNT, series=12), BARRIER)
    scored(partition, [before])

    held, shadow = partition.learnt, partition.shadow
    assert shadow is not None
    partition.succeed(shadow)
    partition.learnt, partition.shadow = held, replace(shadow)

    assert_equal_bits(
        joined([scored(partition, [after])]), joined([swapped_loop(champion, champion, before, after)[1]])
    )
