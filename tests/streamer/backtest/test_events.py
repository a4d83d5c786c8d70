"""That events are found by alarms that open inside of them, and all other alarms are false."""

import math

import numpy as np
import pytest

from streamer.backtest.events import DAY_NS, Findings


def marks(*places: int, readings: int = 101) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    marked = np.zeros(readings, dtype=bool)
    marked[list(places)] = True
    return marked


DAYS = np.arange(101) * (DAY_NS // 10)  # ten readings a day
LABELS = marks(*range(20, 30), *range(60, 62))


def test_an_event_is_found_by_the_first_alarm_that_opens_in_it() -> None:
    findings = Findings.of(marks(23, 27, 61), LABELS, DAYS)

    assert (findings.events, findings.found, findings.delays, findings.delay) == (2, 2, (3, 1), 2)
    assert (findings.alarms, findings.false_alarms) == (3, 0)


def test_an_alarm_before_or_after_an_event_is_false_and_finds_nothing() -> None:
    findings = Findings.of(marks(19, 30), LABELS, DAYS)

    assert (findings.found, findings.recall, findings.false_alarms) == (0, 0, 2)
    assert math.isnan(findings.delay)


def test_false_alarms_are_counted_by_the_day_of_event_time_and_by_readings() -> None:
    findings = Findings.of(marks(0, 1, 2, 3, 4), LABELS, DAYS)

    assert findings.false_alarms_per_day == pytest.approx(0.5)
    assert findings.readings_per_false_alarm == pytest.approx(101 / 5)


def test_series_are_taken_together_event_by_event_and_not_as_a_mean_of_ratios() -> None:
    one, other = Findings.of(marks(20), LABELS, DAYS), Findings.of(marks(), marks(5), DAYS)

    both = Findings.together([one, other])

    assert (both.events, both.found, both.recall, both.days) == (3, 1, 1 / 3, 20)


def test_without_events_and_alarms_nothing_is_claimed() -> None:
    findings = Findings.of(marks(), marks(), DAYS)

    assert math.isnan(findings.recall)
    assert (findings.false_alarms_per_day, findings.readings_per_false_alarm) == (0, math.inf)
