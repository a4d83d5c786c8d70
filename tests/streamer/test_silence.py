"""Silence: raised once, ended by the next reading, and the same records whoever found it out."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Readings, Silences
from streamer import order, silence
from streamer.order import NEVER, OrderOptions
from streamer.series_rows import HostColumns, SeriesRows
from streamer.silence import SilenceOptions, Watch
from tests.streamer.fleets import SECOND_NS, WHERE, readings

LIMIT = 60
WATCH = Watch("machines", WHERE, SilenceOptions(after_seconds=LIMIT), lambda _: "warning", lambda _, when: when)
Told = tuple[str, str, int, int]  # event, series, last second, second of the event


def told(silences: Silences) -> list[Told]:
    assert silences.opened_timestamp.tolist() == (silences.last_timestamp + LIMIT * SECOND_NS).tolist()
    seconds = ((column // SECOND_NS).tolist() for column in (silences.last_timestamp, silences.timestamp))
    return list(zip(silences.event, silences.series.tolist(), *seconds, strict=True))


class Partition:
    """What a partition does with its watch: accepted readings, and a timer between them."""

    def __init__(self) -> None:
        self.rows = SeriesRows()
        self.columns = HostColumns({**order.initial_columns(1), **silence.initial_columns()})
        self.said: list[Told] = []
        self.ids: dict[tuple[str, int], set[str]] = {}

    def read(self, came: Readings) -> "Partition":
        rows = self.rows.of(came.series)
        self.columns.ensure(len(self.rows))
        verdict = order.judge(came, rows, self.columns, OrderOptions(duplicates="keep"))
        accepted, rows = came.take(verdict.accepted), rows[verdict.accepted]
        since = self.columns["silent_since"][rows]
        self._say(WATCH.ended(accepted, verdict.before[verdict.accepted], since))
        silence.forget_ended(self.columns, rows, accepted)
        order.remember(accepted, rows, self.columns)
        return self

    def tick(self, second: int, held: dict[str, int] | None = None) -> "Partition":
        last = self.columns["last_timestamp"].copy()
        for series, newest in (held or {}).items():
            last[self.rows.of(np.array([series], dtype=object))] = newest * SECOND_NS
        due = WATCH.due(last, self.columns["silent_since"], second * SECOND_NS)
        self._say(WATCH.raised(np.array(self.rows.names(due), dtype=object), last[due]))
        silence.remember_raised(self.columns, due, last[due])
        return self

    def _say(self, silences: Silences) -> None:
        self.said += told(silences)
        for series, last, name in zip(silences.series, silences.last_timestamp, silences.alarm_id, strict=True):
            self.ids.setdefault((series, int(last)), set()).add(name)


def at(series: str, *seconds: float) -> Readings:
    return readings([series] * len(seconds), seconds, [[0.0]] * len(seconds))


def test_a_series_is_silent_once_the_limit_has_passed_and_not_before() -> None:
    partition = Partition().read(at("a", 100))

    assert partition.tick(159).said == []
    assert partition.tick(160).said == [("opened", "a", 100, 160)]


def test_a_silence_is_raised_once_and_closed_by_the_next_reading() -> None:
    partition = Partition().read(at("a", 100)).tick(170).tick(500)

    partition.read(at("a", 510, 520))

    assert partition.said == [("opened", "a", 100, 160), ("closed", "a", 100, 510)]


def test_a_silence_that_no_timer_has_raised_is_told_by_the_reading_after_it() -> None:
    partition = Partition().read(at("a", 100, 510)).read(at("a", 520, 580, 641))

    assert partition.said == [
        ("opened", "a", 100, 160),
        ("closed", "a", 100, 510),
        ("opened", "a", 580, 640),
        ("closed", "a", 580, 641),
    ]


def test_a_gap_as_long_as_the_limit_is_none() -> None:
    assert Partition().read(at("a", 100, 160)).said == []


def test_a_series_that_was_only_behind_the_others_closes_with_its_next_reading() -> None:
    partition = Partition().read(at("a", 100)).tick(200)

    partition.read(at("a", 130))

    assert partition.said == [("opened", "a", 100, 160), ("closed", "a", 100, 130)]


def test_a_reading_of_the_same_instant_ends_no_silence() -> None:
    partition = Partition().read(at("a", 100)).tick(170).read(at("a", 100))

    assert partition.said == [("opened", "a", 100, 160)]
    assert partition.read(at("a", 170)).said[1:] == [("closed", "a", 100, 170)]


def test_readings_that_are_held_back_count_as_seen_and_do_not_end_the_silence_after_them() -> None:
    partition = Partition().read(at("a", 100))

    partition.tick(170, held={"a": 150}).tick(220, held={"a": 150})
    partition.read(at("a", 140, 150)).read(at("a", 300))

    assert partition.said == [("opened", "a", 150, 210), ("closed", "a", 150, 300)]


def test_nothing_is_due_before_the_first_reading_or_in_a_row_without_a_series() -> None:
    never = np.full(3, NEVER)

    assert WATCH.due(never, never, NEVER).tolist() == []
    assert WATCH.due(never, never, 2**62).tolist() == []
    assert WATCH.due(np.array([NEVER, 0, 5]), never, NEVER).tolist() == []


@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 100)), min_size=1, max_size=30),
    ticks=st.sets(st.integers(0, 30)),
    cuts=st.sets(st.integers(1, 29)),
)
def test_timers_and_cuts_change_nothing_that_is_said_of_readings_in_order(
    steps: list[tuple[str, int]], ticks: set[int], cuts: set[int]
) -> None:
    seconds = np.cumsum([step for _, step in steps]).tolist()
    came = readings([name for name, _ in steps], seconds, [[0.0]] * len(steps))
    timed, untimed = Partition(), Partition().read(came)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(steps)], strict=True):
        if start < stop:
            timed.read(came.take(slice(start, stop)))
        if stop in ticks:
            timed.tick(seconds[min(stop, len(steps)) - 1])  # event time is the watermark's

    for partition in (timed, untimed):
        partition.tick(seconds[-1])

    expected = plainly(list(zip((name for name, _ in steps), seconds, strict=True)))
    assert set(timed.said) == set(untimed.said) == expected
    assert len(timed.said) == len(untimed.said) == len(expected)
    assert timed.ids == untimed.ids
    assert all(len(names) == 1 for names in timed.ids.values())
    assert len(set.union(set(), *timed.ids.values())) == len(timed.ids)


def plainly(came: list[tuple[str, int]]) -> set[Told]:
    """Every gap above the limit, and at the end who has said nothing for so long."""
    said: set[Told] = set()
    last: dict[str, int] = {}
    for name, second in came:
        if name in last and second - last[name] > LIMIT:
            said |= {("opened", name, last[name], last[name] + LIMIT), ("closed", name, last[name], second)}
        last[name] = second
    return said | {("opened", name, s, s + LIMIT) for name, s in last.items() if s + LIMIT <= came[-1][1]}


def test_the_identity_is_of_group_series_and_last_event_time_alone() -> None:
    series, last = np.array(["a", "a", "b"], dtype=object), np.array([1, 2, 1])
    other = replace(WATCH, topic_partition=WHERE._replace(partition=9), options=SilenceOptions(after_seconds=1))

    ids = WATCH.raised(series, last).alarm_id

    assert len(set(ids)) == 3
    assert other.raised(series, last).alarm_id == ids
    assert set(replace(WATCH, group="fans").raised(series, last).alarm_id).isdisjoint(ids)


@pytest.mark.parametrize("seconds", [0, -1, 1e12])
def test_an_impossible_limit_is_told(seconds: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Expected `float` .* at `\$.after_seconds`"):
        msgspec.convert({"after_seconds": seconds}, SilenceOptions)
