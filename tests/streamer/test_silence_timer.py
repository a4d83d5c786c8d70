"""The timer of silence in the engine: by which clock it goes, and what becomes of what it has raised."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from connectors.columns import Silences
from connectors.errors import TransientError
from connectors.memory import Fault, Idle
from connectors.ports import Assigned
from streamer import config
from streamer.order import OrderOptions
from streamer.partition import Partition
from streamer.silence import SilenceOptions
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings
from tests.streamer.rig import CONFIG, FIRST, Rig, batch

LIMIT_SECONDS = 600.0
LONG_SECONDS = 1000.0
CHOICES = msgspec.structs.replace(CONFIG.groups[0].choices, silence=SilenceOptions(after_seconds=LIMIT_SECONDS))
[GROUP] = CONFIG.groups
WATCHING = msgspec.structs.replace(CONFIG, groups=[msgspec.structs.replace(GROUP, silence=CHOICES.silence)])
BEGIN = [Assigned((FIRST,)), batch(FIRST, 0, [1.0, 2.0])]


def resting(settings: config.Config = WATCHING, script: list[Any] | None = None, **parts: Any) -> Rig:
    """A rig that has read everything it knows of, and found nothing more in the poll after that."""
    rig = Rig(script or [*BEGIN, Idle()], settings=settings, **parts)
    rig.source.lag = lambda _: 0  # type: ignore[assignment,method-assign]  # of what is still to come nothing is known
    return rig.turn(3)


def events(rig: Rig) -> list[str]:
    return [event for silences in rig.written(Silences) for event in silences.event]


def test_a_series_is_called_silent_while_nothing_comes() -> None:
    rig = resting()

    rig.ticks += LONG_SECONDS
    rig.turn(3)

    assert events(rig) == ["opened"]
    assert rig.committed == {FIRST: 2}


def test_the_time_that_the_source_was_away_is_no_silence() -> None:
    rig = resting(script=[*BEGIN, Idle(), Fault(TransientError("no broker answers")), Idle()])

    rig.turn(1).ticks += LONG_SECONDS
    rig.turn(2)

    assert events(rig) == []


def test_a_watch_that_is_set_up_while_nothing_comes_knows_how_far_the_partition_is() -> None:
    rig = resting(CONFIG)

    rig.tenancy.reload({"pumps": CHOICES})
    rig.turn(2).ticks += LONG_SECONDS
    rig.turn(2)

    assert events(rig) == ["opened"]


@pytest.mark.parametrize(
    "order", [OrderOptions(reorder_seconds=100.0), OrderOptions(join_seconds=50, reorder_seconds=50)]
)
def test_a_reading_that_is_held_back_counts_for_the_series_of_just_that_name(order: OrderOptions) -> None:
    choices = msgspec.structs.replace(CHOICES, order=order)
    partition = Partition(replace(judge(), choices=choices, channels=("c0",)), WHERE)
    partition.advance(readings(["a\0", "b"], [0.0, 0.0], [[1.0], [1.0]]))
    partition.advance(readings(["b", "a\0", "a"], [600.0, 650.0, 650.0], [[1.0]] * 3))

    silences = partition.fall_silent(700 * SECOND_NS)

    later = partition.fall_silent(1300 * SECOND_NS)
    assert silences is None
    assert later is not None
    assert later.series.tolist() == ["a\0", "b"]


@pytest.mark.parametrize("interval_seconds", [1.0, 1e9])  # was it saved in passing, where it stands?
def test_a_silence_that_was_raised_is_ended_by_whoever_has_the_partition_next(interval_seconds: float) -> None:
    first = resting(interval_seconds=interval_seconds)
    first.ticks += LONG_SECONDS
    first.turn(3)
    first.engine.leave()

    soon = batch(FIRST, 2, [3.0], first_minute=5)  # a gap that is none by itself
    second = Rig([*BEGIN, soon], first.committed, first.contents, settings=WATCHING).turn(4)

    assert (events(first), events(second)) == (["opened"], ["closed"])


@pytest.mark.parametrize(
    "order", [OrderOptions(reorder_seconds=90.0), OrderOptions(join_seconds=60, reorder_seconds=30)]
)
def test_the_timer_gives_readings_the_time_that_they_wait(order: OrderOptions) -> None:
    settings = msgspec.structs.replace(WATCHING, groups=[msgspec.structs.replace(WATCHING.groups[0], order=order)])
    rig = resting(settings, [Assigned((FIRST,)), batch(FIRST, 0, [1.0, 2.0, 3.0, 4.0, 5.0]), Idle()])
    rig.ticks += LIMIT_SECONDS
    rig.turn(3)
    early = events(rig)

    rig.ticks += 90.0
    rig.turn(3)

    assert (early, events(rig)) == ([], ["opened"])
