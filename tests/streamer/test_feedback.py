"""What verdicts come to: a line above what was called false, and never above what was called true."""

import pytest

from connectors.verdicts import Verdict
from streamer.feedback import tolerances
from tests.connectors.verdict_samples import DAY_NS, NOON_NS, verdict_of


def factor(*verdicts: Verdict) -> float:
    """Of the spikes of the series ``a``; 1 where its line is not raised."""
    return next((one.factor for one in tolerances(verdicts, "pumps") if one.series == "a"), 1.0)


def test_an_alarm_must_exceed_by_a_tenth_what_was_called_false() -> None:
    [raised] = tolerances([verdict_of(peak_ratio=2.0, days=10)], "pumps")

    assert raised.factor == pytest.approx(2.2)
    assert (raised.series, raised.kind) == ("a", "spike")
    assert (raised.since, raised.until) == (NOON_NS, NOON_NS + 10 * DAY_NS)


def test_the_largest_that_was_called_false_counts_until_the_last_has_had_its_days() -> None:
    later = verdict_of("a2", peak_ratio=1.5, timestamp_ns=NOON_NS + 3 * DAY_NS, days=20)

    [raised] = tolerances([later, verdict_of("a1", peak_ratio=3.0, days=5)], "pumps")

    assert raised.factor == pytest.approx(3.3)
    assert (raised.since, raised.until) == (NOON_NS + 3 * DAY_NS, NOON_NS + 23 * DAY_NS)


def test_what_was_called_true_would_alarm_again() -> None:
    called_true = verdict_of("a2", "true", peak_ratio=2.0)

    assert factor(verdict_of("a1", peak_ratio=5.0), called_true) == pytest.approx(2.0 / 1.1)
    assert factor(verdict_of("a1", peak_ratio=1.2), called_true) == pytest.approx(1.2 * 1.1)
    assert factor(verdict_of("a1", peak_ratio=5.0), verdict_of("a2", "true", peak_ratio=1.05)) == 1


def test_what_is_true_alone_raises_nothing() -> None:
    assert tolerances([verdict_of("a1", "true", peak_ratio=9.0)], "pumps") == []


def test_series_kinds_and_groups_are_kept_apart() -> None:
    said = [
        verdict_of("a1", series="b", peak_ratio=2.0),
        verdict_of("a2", kind="change", peak_ratio=3.0),
        verdict_of("a3", group="fans", peak_ratio=4.0),
        verdict_of("a4", "true", series="b", kind="change", peak_ratio=1.0),
    ]

    raised = tolerances(said, "pumps")

    assert [(one.series, one.kind) for one in raised] == [("a", "change"), ("b", "spike")]


def test_the_order_in_which_people_speak_changes_nothing() -> None:
    said = [
        verdict_of(f"a{at}", ("true", "false")[at % 3 > 0], peak_ratio=1.3 + at, series="ab"[at % 2]) for at in range(9)
    ]

    assert tolerances(said, "pumps") == tolerances(said[::-1], "pumps")
