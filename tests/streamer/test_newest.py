"""The newest result of every series: its last value stays, its peak lasts a minute and no longer than two."""

from dataclasses import replace

import numpy as np

from connectors.columns import Ahead, Results
from streamer.newest import Newest
from tests.streamer.fleets import SECOND_NS, readings


def results(scores: list[float]) -> Results:
    """One series, its value being its score."""
    count = len(scores)
    column = np.array(scores)
    came = readings(["a"] * count, [float(second) for second in range(count)], [[score] for score in scores])
    per_channel = column[:, None]
    return Results(
        readings=came,
        channels=("c0",),
        value=per_channel,
        forecast=per_channel,
        lower=per_channel,
        upper=per_channel,
        anomaly_score=column,
        novelty=column / 10,
        surge=column,
        p_value=column,
        shares=per_channel,
        is_anomalous=column > 1,
        warming=np.zeros(count, bool),
        artifact="none",
    )


def far(numbers: list[float], horizons: tuple[int, ...]) -> Results:
    """Results that look further: what is expected is the number times the horizon, give or take one."""
    came = results(numbers)
    forecast = np.array(numbers)[:, None, None] * np.array(horizons)
    return replace(came, ahead=Ahead(horizons, forecast, forecast - 1, forecast + 1))


def peak(newest: Newest) -> float:
    return float(newest.snapshot(("a",), np.array([1])).anomaly_score_max[0])


def test_the_last_of_several_readings_stays() -> None:
    newest = Newest("machines", ("c0",), now=0.0)

    newest.update(results([3.0, 0.5, 0.2]), np.array([1, 1, 1]), now=1.0)

    snapshot = newest.snapshot(("a",), np.array([1]))
    assert snapshot.value[0, 0] == snapshot.anomaly_score[0] == 0.2
    assert snapshot.novelty[0] == 0.02
    assert peak(newest) == 3.0
    assert newest.fleet(2).anomalous == 0


def test_a_peak_is_seen_for_a_minute_and_forgotten_within_two() -> None:
    newest = Newest("machines", ("c0",), now=0.0)
    newest.update(results([5.0]), np.array([1]), now=1.0)

    seen = []
    for now in (59.0, 61.0, 119.0, 122.0, 183.0):
        newest.update(results([0.1]), np.array([1]), now)
        seen.append(peak(newest))

    assert seen == [5.0, 5.0, 5.0, 0.1, 0.1]


def test_a_series_whose_newest_reading_is_history_is_in_no_alarm_of_today() -> None:
    newest = Newest("machines", ("c0",), now=0.0)
    newest.update(results([0.2, 0.3, 3.0]), np.array([1, 1, 1]), now=1.0)  # the last at second 2

    assert newest.fleet(2).anomalous == 1
    assert newest.fleet(2, live_from=2 * SECOND_NS).anomalous == 1
    assert newest.fleet(2, live_from=2 * SECOND_NS + 1).anomalous == 0


def test_what_is_expected_further_ahead_is_that_of_the_last_reading() -> None:
    newest = Newest("machines", ("c0",), now=0.0)

    newest.update(far([3.0, 0.5], (2, 24)), np.array([1, 70]), now=1.0)
    newest.update(far([4.0], (2, 24)), np.array([1]), now=2.0)

    ahead = newest.snapshot(("a", "b", "c"), np.array([1, 70, 80])).ahead
    assert ahead is not None
    assert ahead.horizons == (2, 24)
    assert ahead.forecast[:2, 0].tolist() == [[8.0, 96.0], [1.0, 12.0]]
    assert ahead.upper[0, 0].tolist() == [9.0, 97.0]
    assert np.isnan(ahead.lower[2]).all()  # nothing came of it yet


def test_what_was_expected_of_an_evicted_series_is_forgotten() -> None:
    newest = Newest("machines", ("c0",), now=0.0)
    newest.update(far([3.0], (2,)), np.array([1]), now=1.0)

    newest.reset(np.array([1]))

    ahead = newest.snapshot(("a",), np.array([1])).ahead
    assert ahead is not None
    assert np.isnan(ahead.forecast).all()


def test_horizons_that_changed_leave_nothing_of_the_old_ones() -> None:
    newest = Newest("machines", ("c0",), now=0.0)
    newest.update(far([3.0, 3.0], (2, 24)), np.array([1, 2]), now=1.0)

    newest.update(far([4.0], (12,)), np.array([1]), now=2.0)

    ahead = newest.snapshot(("a", "b"), np.array([1, 2])).ahead
    assert ahead is not None
    assert ahead.horizons == (12,)
    assert ahead.forecast[0, 0].tolist() == [48.0]
    assert np.isnan(ahead.forecast[1]).all()
    newest.update(results([1.0]), np.array([1]), now=3.0)
    assert newest.snapshot(("a",), np.array([1])).ahead is None
