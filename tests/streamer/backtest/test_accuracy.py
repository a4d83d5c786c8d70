"""That the measures of a series are those of its novelty and its alarms, and all series are taken together as said."""

import math

import numpy as np
import pytest

from streamer.backtest.accuracy import Accuracy
from streamer.backtest.table import MOST_ROWS, table
from tests.streamer.backtest.histories import history, opening

EVENT = np.isin(np.arange(100), np.arange(50, 60))
NOTHING = np.zeros(100, dtype=bool)


def test_a_series_is_measured_by_its_novelty_and_by_what_its_alarms_found() -> None:
    one = history(openings=(opening(52), opening(80, "change"), opening(90, "silence")))

    accuracy = Accuracy.of(one, EVENT)

    assert accuracy.alarms == {"spike": 1, "change": 1, "silence": 1}
    assert (accuracy.findings.found, accuracy.findings.delays, accuracy.findings.false_alarms) == (1, (2,), 1)
    assert (accuracy.auc_pr, accuracy.best_f1) == (1, 1)
    assert accuracy.vus_pr > 0.5


def test_a_silence_is_no_alarm_of_the_budget() -> None:
    one = history(openings=(opening(52), opening(90, "silence")))

    assert Accuracy.of(one, EVENT).alarms_per_day == pytest.approx(1 / (99 / 1440))


def test_means_are_of_series_with_an_event_and_sums_of_all() -> None:
    parts = [
        Accuracy.of(history(openings=(opening(52),)), EVENT),
        Accuracy.of(history(openings=(opening(3),)), NOTHING),
    ]

    together = Accuracy.together(parts)

    assert together.best_f1 == 1
    assert (together.alarms["spike"], together.findings.events, together.findings.false_alarms) == (2, 1, 1)


def test_without_any_event_no_measure_is_claimed() -> None:
    together = Accuracy.together([Accuracy.of(history(), NOTHING)])

    assert math.isnan(together.vus_pr)
    assert math.isnan(together.findings.recall)


def test_a_channel_that_is_absent_at_times_is_measured_all_the_same() -> None:
    one = history()
    one.value[::3] = np.nan

    assert Accuracy.of(one, EVENT).auc_pr == 1


def test_the_table_has_a_row_a_series_and_without_labels_nothing_that_needs_them() -> None:
    measured = [(one, Accuracy.of(one, EVENT)) for one in (history("a"), history("b"))]

    labelled, bare = table(measured, is_labelled=True), table(measured, is_labelled=False)

    assert list(labelled.columns[1].cells) == ["a", "b", "2 series"]
    assert list(labelled.columns[9].cells) == ["1.000"] * 3
    assert len(bare.columns) == 5


def test_of_many_series_those_with_most_alarms_have_a_row() -> None:
    many = [history(f"s{n}", openings=(opening(3),) if n == 99 else ()) for n in range(100)]

    names = list(table([(one, Accuracy.of(one, EVENT)) for one in many], is_labelled=True).columns[1].cells)

    assert len(names) == MOST_ROWS + 1
    assert names[-2:] == ["s99", "100 series, 50 not shown"]
