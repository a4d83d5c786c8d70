"""Openings: alarms open with their explanation, keep their identity, and close at the latest when their series goes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from connectors.columns import Alarms, Readings, Silences
from streamer import epoch
from streamer.eviction import EvictionOptions
from streamer.feedback import Tolerance
from streamer.partition import Partition, Progress
from streamer.silence import SilenceOptions
from streamer.tolerance import Tolerances
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings

SILENT_AFTER, FORGOTTEN_AFTER = 50.0, 500.0


@pytest.fixture(autouse=True, scope="module")
def short_epochs() -> Iterator[None]:
    """Epochs that end after few readings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", 40)
        yield


def watching() -> Partition:
    """A partition that forgets a series after 500 seconds, and calls it silent after 50."""
    return Partition(
        judge(
            channels=2,
            eviction=EvictionOptions(max_silent_seconds=FORGOTTEN_AFTER),
            silence=SilenceOptions(after_seconds=SILENT_AFTER),
        ),
        WHERE,
    )


def incident() -> Readings:
    """A series whose last reading is far out in its second channel."""
    values = np.random.default_rng(0).normal(size=(100, 2)) + 50
    values[-1, 1] += 60
    return readings(["a"] * 100, list(np.arange(100.0)), values)


def others() -> Readings:
    """Another series, until the first one is forgotten."""
    values = np.random.default_rng(1).normal(size=(60, 2)) + 20
    return readings(["b"] * 60, list(np.arange(1000.0, 1060.0)), values, first_offset=100)


def alarms_of(*steps: Progress) -> list[tuple[str, str, str, str]]:
    """Series, kind, event and identity of all alarms, in order."""
    alarms = [alarms for progress in steps for alarms in progress.alarms]
    return [
        (str(series), kind, event, alarm_id)
        for one in alarms
        for series, kind, event, alarm_id in zip(
            one.results.readings.series, one.kind, one.event, one.alarm_id, strict=True
        )
    ]


def of_series(steps: list[tuple[str, str, str, str]], series: str) -> list[tuple[str, str, str]]:
    return [(kind, event, alarm_id) for name, kind, event, alarm_id in steps if name == series]


def test_an_opening_is_explained_and_a_closing_is_not() -> None:
    partition = watching()
    first = partition.advance(incident())

    calm = np.random.default_rng(2).normal(size=(40, 2)) + 50
    then = partition.advance(readings(["a"] * 40, list(np.arange(100.0, 140.0)), calm, first_offset=100))

    opening = first.alarms[-1]
    why = opening.explanation[-1]
    assert (opening.event[-1], why is not None and why.channel) == ("opened", "c1")
    assert why is not None
    assert why.text.startswith(f"c1 {opening.results.value[-1, 1]:.5g}, expected ")
    assert why.shares["c1"] > why.shares["c0"]
    assert sum(why.trust.values()) == pytest.approx(1)
    closings = [(event, told) for one in then.alarms for event, told in zip(one.event, one.explanation, strict=True)]
    assert ("closed", None) in closings


def test_an_evicted_series_closes_the_alarm_that_is_open_with_a_record_that_says_nothing_of_a_reading() -> None:
    partition = watching()

    first, then = partition.advance(incident()), partition.advance(others())

    opened = of_series(alarms_of(first), "a")[-1]
    assert then.evicted == ["a"]
    assert of_series(alarms_of(then), "a") == [(opened[0], "closed", opened[2])]
    closing: Alarms = then.alarms[-1]
    said = closing.results
    assert np.isnan(np.concatenate([said.value, said.forecast, said.shares], axis=1)).all()
    assert np.isnan(said.anomaly_score).all()
    assert not said.is_anomalous.any()
    assert closing.peak_score[-1] > 1
    assert closing.opened_timestamp[-1] == 99 * SECOND_NS
    ended = said.readings.timestamp[-1] // SECOND_NS, said.readings.offset[-1]
    assert ended == (1019, 119)  # the epoch's end: its watermark, and the reading that ended it


def test_an_evicted_series_closes_its_alarm_with_the_peak_and_by_the_line_that_people_had_raised() -> None:
    raised = Tolerance(series="a", kind="spike", factor=1.5, since=0, until=10**9 * SECOND_NS)
    partition = watching()
    partition.judge = replace(partition.judge, tolerances=Tolerances([raised]))

    steps = [partition.advance(incident()), partition.advance(others())]

    spikes = [
        (event, one.tolerance[i], one.peak_score[i])
        for progress in steps
        for one in progress.alarms
        for i, (kind, event) in enumerate(zip(one.kind, one.event, strict=True))
        if kind == "spike" and one.results.readings.series[i] == "a"
    ]
    assert [event for event, *_ in spikes][-2:] == ["opened", "closed"]
    (_, *opening), (_, *closing) = spikes[-2:]
    assert closing == pytest.approx(opening, rel=1e-5)
    assert closing[0] == pytest.approx(1.5, rel=1e-5)


@pytest.mark.parametrize("is_raised", [True, False])
def test_an_evicted_series_closes_its_silence_whether_a_timer_had_raised_it_or_not(is_raised: bool) -> None:
    partition = watching()
    partition.advance(incident())
    raised = partition.fall_silent(200 * SECOND_NS) if is_raised else None

    then = partition.advance(others())

    said = [*([raised] if raised else []), *then.silences]
    assert told(said) == [("a", "opened", 149), ("a", "closed", 1019)]
    assert len({alarm_id for silences in said for alarm_id in silences.alarm_id}) == 1


def test_a_series_that_opens_twice_in_one_batch_closes_each_alarm_by_its_own_identity() -> None:
    values = np.random.default_rng(0).normal(size=(140, 2)) + 50
    values[[70, 110], 1] += 60

    progress = watching().advance(readings(["a"] * 140, list(np.arange(140.0)), values))

    spikes = [one for one in of_series(alarms_of(progress), "a") if one[0] == "spike"]
    assert [event for _, event, _ in spikes] == ["opened", "closed"] * 2
    first, second = {alarm_id for _, _, alarm_id in spikes[:2]}, {alarm_id for _, _, alarm_id in spikes[2:]}
    assert (len(first), len(second), len(first | second)) == (1, 1, 2)


def told(said: list[Silences]) -> list[tuple[str, str, int]]:
    return [
        (str(series), event, int(timestamp) // SECOND_NS)
        for one in said
        for series, event, timestamp in zip(one.series, one.event, one.timestamp, strict=True)
    ]


def test_whatever_the_batches_the_alarms_and_what_they_say_are_the_same() -> None:
    whole, cut = watching(), watching()
    both = [incident(), others()]

    at_once = [whole.advance(batch) for batch in both]
    pieces = [cut.advance(batch.take(slice(i, i + 7))) for batch in both for i in range(0, len(batch), 7)]

    assert alarms_of(*at_once) == alarms_of(*pieces)
    explained = [
        [why for one in steps for alarms in one.alarms for why in alarms.explanation] for steps in (at_once, pieces)
    ]
    assert explained[0] == explained[1]
    assert any(why is not None for why in explained[0])
