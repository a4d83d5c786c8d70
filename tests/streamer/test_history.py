"""History: an alarm is historical when it was written longer after its event time than the limit."""

from dataclasses import replace

import pytest

from streamer.history import all_live, live_from, none_live
from tests.connectors.columns_samples import FIRST_TIMESTAMP, alarms_of, results_of, silences_of

WRITTEN = FIRST_TIMESTAMP / 1e9  # of alarms a second apart from then on


@pytest.mark.parametrize(
    ("later_seconds", "historical"),
    [(0, [False] * 3), (9.9, [False] * 3), (11.1, [True, True, False]), (1e6, [True] * 3), (-1e9, [False] * 3)],
)
def test_alarms_older_than_the_limit_are_historical(later_seconds: float, historical: list[bool]) -> None:
    marked = replace(alarms_of(results_of(["a", "b", "c"])), live_from=live_from(lambda: WRITTEN + later_seconds, 10))

    assert marked.historical.tolist() == historical


def test_a_silence_is_as_old_as_what_it_tells() -> None:
    silences = silences_of(["a", "b"], after_seconds=90)  # opened 90 s later; the second closed after 91.5

    marked = replace(silences, live_from=live_from(lambda: WRITTEN + 101.2, 10))

    assert marked.historical.tolist() == [True, False]


def test_without_a_limit_nothing_is_historical() -> None:
    marked = replace(alarms_of(results_of(["a"])), live_from=live_from(lambda: 1e15, None))

    assert marked.historical.tolist() == [False]


@pytest.mark.parametrize("limit", [None, 0.0, 3600.0])
def test_what_is_played_as_if_it_were_now_is_live_and_what_is_scored_once_more_is_not(limit: float | None) -> None:
    alarms = alarms_of(results_of(["a"]))

    assert replace(alarms, live_from=all_live(limit)).historical.tolist() == [False]
    assert replace(alarms, live_from=none_live(limit)).historical.tolist() == [True]
