"""That files replayed side by side are scored as the daemon scores each of them alone, bit for bit."""

import numpy as np
import pytest
from accuracy.data import File
from accuracy.replay import STRETCH, Replay, Track, readings_of
from numpy.typing import NDArray

from connectors.columns import Readings
from streamer.judge import Judge
from streamer.partition import Partition
from tests.streamer.fleets import judge

SECOND_NS = 1_000_000_000
CHANNELS = 2
RESULTS = ("value", "forecast", "lower", "upper", "anomaly_score", "shares")


def file(name: str, readings: int, seed: int) -> File:
    """A file with a spike, a channel that is absent now and then, a reading twice, and one that is late."""
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.standard_normal((readings, CHANNELS)), axis=0)
    values[readings // 2] += 60
    values[::7, 1] = np.nan
    timestamp = np.arange(readings) * 60 * SECOND_NS
    timestamp[20], values[20] = timestamp[19], values[19]
    timestamp[30] = timestamp[25]
    return File("made", name, timestamp, values, np.zeros(readings - 5, dtype=bool), first=5)


FILES = (file("long", 300, 1), file("short", 70, 2), file("other", 290, 3))  # an epoch ends after 256


def alone(one: File, by: Judge, batch: int) -> dict[str, NDArray[np.generic]]:
    """What the daemon says of a file, read in batches: columns of `Results`, and the times of what was accepted."""
    readings = readings_of(one, by.group)
    partition = Partition(by, readings.topic_partition)
    parts = [partition.advance(readings.take(slice(at, at + batch))) for at in range(0, len(readings), batch)]
    results = [result for part in parts for result in part.results]
    names = (*RESULTS, "is_anomalous", "warming")
    columns = {name: np.concatenate([getattr(result, name) for result in results]) for name in names}
    return {**columns, "timestamp": Readings.joined([result.readings for result in results]).timestamp}


@pytest.fixture(scope="module")
def tracks() -> list[Track]:
    return Replay(judge(channels=CHANNELS)).tracks(FILES, (*RESULTS, "is_open", "warming", "opened"))


@pytest.mark.parametrize("number", range(len(FILES)), ids=[one.name for one in FILES])
def test_a_file_among_others_is_scored_as_the_daemon_scores_it_alone(number: int, tracks: list[Track]) -> None:
    track = tracks[number]

    expected = alone(FILES[number], judge(channels=CHANNELS), batch=97)

    for name in RESULTS:
        np.testing.assert_array_equal(track.columns[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(track.columns["is_open"].any(1), expected["is_anomalous"])
    np.testing.assert_array_equal(track.columns["warming"], expected["warming"])
    np.testing.assert_array_equal(FILES[number].timestamp[track.accepted], expected["timestamp"])


def test_every_scored_reading_has_a_score_and_a_rejected_one_that_of_the_reading_before(tracks: list[Track]) -> None:
    scores = tracks[0].scored("anomaly_score")

    assert len(scores) == len(FILES[0].labels)
    assert np.flatnonzero(~tracks[0].accepted).tolist() == [20, 30]
    assert scores[20 - FILES[0].first] == scores[19 - FILES[0].first]
    assert scores[-1] == tracks[0].columns["anomaly_score"][-1]


def test_a_replay_that_forgets_begins_anew_in_every_stretch() -> None:
    by = judge(forecaster="recurrent", channels=CHANNELS)
    forgotten = tuple(column.name for column in by.detector.parts["cell"])

    carried, zeroed = (
        Replay(by, forgets).tracks(FILES[:1], ("forecast",))[0].columns["forecast"] for forgets in ((), forgotten)
    )

    np.testing.assert_array_equal(carried[: STRETCH + 1], zeroed[: STRETCH + 1])
    assert not np.array_equal(carried[STRETCH + 1 :], zeroed[STRETCH + 1 :])
