"""Rules and windows of the configuration reach the readings that they name, and those alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from connectors.columns import Readings
from streamer.config import Choices
from streamer.maintenance import Window
from streamer.partition import Partition, Progress
from streamer.rules import RuleOptions, rule_numbers, severity_of
from streamer.silence import SilenceOptions
from streamer.terms import TermsOfRows
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings, walk
from tests.streamer.plain_loop import assert_equal_bits, plain_loop, scored

HOUR = 3600


def rules(*options: dict[str, Any]) -> list[RuleOptions]:
    """As the configuration file has them."""
    return msgspec.convert(list(options), list[RuleOptions])


def windows(*options: dict[str, Any]) -> list[Window]:
    return msgspec.convert(list(options), list[Window])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "sideways"}, r"Invalid enum value 'sideways' - at `\$.rules\[0\].direction`"),
        ({"min_deviation": {"absolute": -1}}, r"Expected `float` >= 0.0 - at `\$.rules\[0\].min_deviation.absolute`"),
        ({"valid_range": [5, 5]}, r"valid_range: Expected a low and a higher end, got \[5, 5\] - at `\$.rules\[0\]`"),
        ({"severity": "fatal"}, r"Invalid enum value 'fatal' - at `\$.rules\[0\].severity`"),
        ({"channels": ["a", "z"]}, r"rules\[0\].channels: Expected some of \['a', 'b'\], got \['z'\]"),
        ({"serie": "pump-*"}, r"unknown field `serie` - at `\$.rules\[0\]`"),
    ],
)
def test_a_rule_that_is_none_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({"channels": ["a", "b"], "rules": [options]}, Choices)


def test_of_each_channel_the_first_rule_that_names_it_and_its_series_holds() -> None:
    options = rules(
        {"series": "pump-7", "channels": ["b"]}, {"series": "pump-*"}, {"series": "*", "channels": ["a"]}
    )  # fmt: skip
    named = np.array([[True, True, True], [False, True, True], [False, False, True]])

    numbers = rule_numbers(options, ["a", "b"], named)

    assert numbers.tolist() == [[2, 1], [2, 2], [3, 0]]


def test_what_concerns_a_whole_series_is_as_severe_as_its_most_severe_channel() -> None:
    options = rules({"series": "pump-*", "channels": ["b"], "severity": "critical"}, {"severity": "info"})

    assert [severity_of(options, ["a", "b"], series) for series in ("pump-1", "fan-1")] == ["critical", "info"]
    assert severity_of([], ["a", "b"], "pump-1") == "warning"


def life(
    spikes: dict[int, Sequence[float]],
    asked: Sequence[RuleOptions] = (),
    muted: Sequence[Window] = (),
    partition: Partition | None = None,
) -> Progress:
    """Two channels of one pump and one fan, a minute apart, with something added to the pump's at some readings."""
    count = 300
    values = np.random.default_rng(0).normal(size=(count, 2)) + 50
    for place, added in spikes.items():
        values[place] += added
    partition = partition or Partition(judge(channels=2, rules=asked, maintenance=muted), WHERE)
    series = [name for _ in range(count) for name in ("pump-1", "fan-1")]
    both = np.repeat(values, 2, axis=0)
    both[1::2] = values - sum((np.eye(count)[place][:, None] * added for place, added in spikes.items()), 0.0)
    return partition.advance(readings(series, list(np.repeat(np.arange(count) * 60.0, 2)), both))


def opened(progress: Progress) -> list[tuple[str, int, str]]:
    """Series, number of the reading and severity of each alarm that opened."""
    found = []
    for alarms in progress.alarms:
        told = alarms.results.readings
        for event, series, offset, severity in zip(
            alarms.event, told.series, told.offset, alarms.severity, strict=True
        ):
            if event == "opened":
                found.append((series, int(offset) // 2, severity))
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [45, -80]),
        ({"direction": "up"}, [45]),
        ({"direction": "down"}, [-80]),
        ({"min_deviation": {"absolute": 60}}, [-80]),
        ({"min_deviation": {"relative": 1.0}}, [-80]),
        ({"channels": ["c1"], "direction": "down"}, [45, -80]),
        ({"series": "fan-*", "direction": "up"}, [45, -80]),
        ({"direction": "up", "valid_range": [-10, None]}, [45, -80]),
    ],
)
def test_a_rule_decides_which_spikes_of_whom_are_told(rule: dict[str, Any], expected: list[int]) -> None:
    told = {size: opened(life({200: (size, 0)}, rules(rule))) for size in (45, -80)}

    assert told == {size: [("pump-1", 200, "warning")] * (size in expected) for size in (45, -80)}


def test_an_alarm_is_as_severe_as_the_channel_that_opened_it_and_closes_as_it_opened() -> None:
    asked = rules({"channels": ["c0"], "severity": "info"}, {"series": "pump-*", "severity": "critical"})

    lives = [life({200: added}, asked) for added in ((45, 0), (0, 45))]

    assert [opened(progress) for progress in lives] == [[("pump-1", 200, "info")], [("pump-1", 200, "critical")]]
    closed = [dict(zip(alarms.event, alarms.severity, strict=True)) for one in lives for alarms in one.alarms]
    assert closed == [{"opened": name, "closed": name} for name in ("info", "critical")]


def test_nobody_is_called_in_a_window_that_mutes_and_the_score_stands() -> None:
    muted = windows({"type": "weekly", "series": "pump-*", "from": "03:00", "to": "03:30", "learn": True})

    inside, outside = (life({place: (45, 0)}, muted=muted) for place in (200, 250))  # at 03:20 and at 04:10

    assert opened(inside) == []
    assert opened(outside) == [("pump-1", 250, "warning")]
    scores = np.concatenate([results.anomaly_score for results in inside.results])
    assert scores[400] > 1
    assert not any(results.is_anomalous.any() for results in inside.results)


def test_what_is_not_learnt_is_told_and_leaves_no_trace_in_state_or_pool() -> None:
    unlearnt = windows({"type": "weekly", "from": "03:00", "to": "03:30", "mute": False})
    spiked, quiet = (Partition(judge(channels=2, maintenance=unlearnt), WHERE) for _ in range(2))

    told = opened(life(dict.fromkeys(range(200, 208), (45, 45)), partition=spiked))
    life({}, partition=quiet)

    assert told == [("pump-1", 200, "warning")]
    for name, column in spiked.table.views.items():
        if not name.startswith("alarm_"):
            torch.testing.assert_close(column, quiet.table.views[name], rtol=0, atol=0, equal_nan=True, msg=name)
    assert torch.equal(spiked.pool.open, quiet.pool.open)
    assert spiked.epoch == quiet.epoch  # though the readings count, for an epoch is a span of all that came


def busy(count: int = 255) -> tuple[Readings, dict[str, Any]]:
    """Readings over eight hours in New York, with rules and windows of every sort among them."""
    batch = walk(count, series=12, channels=2)
    batch = replace(batch, timestamp=batch.timestamp * 110)
    asked = rules(
        {"series": "pump-?", "channels": ["c1"], "direction": "up", "valid_range": [90, 110]},
        {"series": "pump-1*", "min_deviation": {"relative": 0.01}},
        {"series": "pump-[3-5]", "direction": "down", "min_deviation": {"absolute": 1}},
    )
    muted = windows(
        {"type": "weekly", "series": "pump-[0-4]", "from": "20:00", "to": "21:30", "mute": False},
        {"type": "weekly", "series": "pump-*", "from": "21:00", "to": "23:00", "learn": True},
        {"type": "weekly", "series": "pump-11", "from": "00:00", "to": "01:00"},
    )
    return batch, {"channels": 2, "rules": asked, "maintenance": muted, "time_zone": "America/New_York", "line": 0.05}


@pytest.mark.parametrize("cuts", [[], [1, 100, 101, 180]])
def test_rules_and_windows_give_the_bits_of_the_plain_loop_however_batches_are_cut(cuts: list[int]) -> None:
    batch, options = busy()
    pieces = [batch.take(slice(start, stop)) for start, stop in pairwise([0, *cuts, len(batch)])]

    ours = scored(Partition(judge(**options), WHERE), pieces)

    assert_equal_bits(ours, plain_loop(judge(**options), batch))
    indifferent = plain_loop(judge(**{**options, "rules": [], "maintenance": []}), batch)
    assert (ours["anomaly_score"] != indifferent["anomaly_score"]).mean() > 0.2  # they do matter here


def test_a_row_that_another_series_has_now_is_under_that_ones_rules() -> None:
    asked = rules({"series": "a", "direction": "down"})
    who = judge(rules=asked)
    terms, batch = TermsOfRows(who.choices), readings(["a", "b"], [0, 1], [[1], [1]])
    no_time = np.zeros(2, dtype=np.float32)

    first = terms.of(batch, np.array([1, 2]), no_time, who).rule
    terms.forget(np.array([1, 2, 99]))
    then = terms.of(batch, np.array([2, 1]), no_time, who).rule

    assert first.tolist() == [[1], [0]]
    assert then.tolist() == [[1], [0]]


def test_a_silence_in_a_muted_window_is_told_when_the_window_ends() -> None:
    muted = windows({"type": "weekly", "series": "pump-*", "from": "01:00", "to": "05:00"})
    options = SilenceOptions(after_seconds=HOUR)
    asked = rules({"series": "pump-*", "severity": "critical"})
    both = readings(["pump-1", "fan-1"], [600, 600], [[1], [1]])

    def partition() -> Partition:
        one = Partition(judge(silence=options, maintenance=muted, rules=asked), WHERE)
        one.advance(both)
        return one

    def told(at: int) -> list[tuple[str, int, str]]:
        raised = partition().fall_silent(at * SECOND_NS)
        return [] if raised is None else [
            (series, when // SECOND_NS, severity)
            for series, when, severity in zip(raised.series, raised.timestamp.tolist(), raised.severity, strict=True)
        ]  # fmt: skip

    assert told(5 * HOUR - 1) == [("fan-1", HOUR + 600, "warning")]
    assert told(5 * HOUR) == [("pump-1", 5 * HOUR, "critical"), ("fan-1", HOUR + 600, "warning")]
    back_in_time = partition().advance(readings(["pump-1"], [4 * HOUR], [[1]], first_offset=2)).silences
    [too_late] = partition().advance(readings(["pump-1"], [6 * HOUR], [[1]], first_offset=2)).silences
    assert back_in_time == []
    assert too_late.event == ["opened", "closed"]
    assert (too_late.timestamp // SECOND_NS).tolist() == [5 * HOUR, 6 * HOUR]
