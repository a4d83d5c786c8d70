"""Maintenance windows: spans of event time in which some series alarm nobody, or are not learnt from.

Local times are those of the clock on the wall in the zone of the group: an hour that summer time leaves out is in no
window, and one that winter time repeats is in it twice.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from connectors.columns import Bool, Int64
from streamer.calendar import DAY_NS, MONDAY_NS, SECOND_NS, WEEK_NS, Calendar

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MAX_WINDOWS_IN_A_ROW = 64  # more of them are called one without end
FOREVER = np.iinfo(np.int64).max
MICROSECOND = timedelta(microseconds=1)
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LocalTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]  # hours and minutes


class Times(NamedTuple):
    """Some times, by two clocks. (N,) each, in ns."""

    utc: Int64
    local: Int64


class _Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every window says: of which series, and what does not happen to them there."""

    series: str = "*"  # a name, with * and ? as in a shell
    mute: bool = True  # no alarm opens
    learn: bool = False  # readings change nothing that is remembered, as if they had not come

    def __post_init__(self) -> None:
        if self.learn and not self.mute:
            raise ValueError("maintenance: Expected mute: true or learn: false, got a window that changes nothing")


class Once(_Window, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="once"):
    """A span of time: ISO 8601, of the local clock where it names no zone."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")  # the first moment after it

    def __post_init__(self) -> None:
        super().__post_init__()
        start, end = _instant("from", self.start), _instant("to", self.end)
        if (start.tzinfo is None) != (end.tzinfo is None) or start >= end:
            raise ValueError(f"maintenance: Expected a time and a later one of its kind, got {self.start}, {self.end}")

    def left(self, times: Times) -> Int64:
        """How long the window goes on, in ns; 0 outside it. -> (N,)."""
        start, end = _instant("from", self.start), _instant("to", self.end)
        when = times.local if start.tzinfo is None else times.utc
        return np.where(when >= _nanoseconds(start), np.maximum(_nanoseconds(end) - when, 0), 0)


class Weekly(_Window, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="weekly"):
    """Hours of some days of every week. One that ends no later than it begins ends on the day after."""

    days: Annotated[list[Weekday], Meta(min_length=1)] = msgspec.field(default_factory=lambda: [*WEEKDAYS])
    start: LocalTime = msgspec.field(name="from", default="00:00")
    end: LocalTime = msgspec.field(name="to", default="00:00")

    def left(self, times: Times) -> Int64:
        """How long the window goes on, in ns; 0 outside it. -> (N,)."""
        start = _minutes_ns(self.start)
        length = (_minutes_ns(self.end) - start - 1) % DAY_NS + 1
        begins = np.array([WEEKDAYS.index(day) * DAY_NS + start for day in self.days])
        since = (times.local[:, None] + MONDAY_NS - begins) % WEEK_NS
        longest: Int64 = np.maximum(length - since, 0).max(1)
        return longest


class Holidays(_Window, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="holidays"):
    """Whole days, local time."""

    dates: Annotated[list[date], Meta(min_length=1)]

    def left(self, times: Times) -> Int64:
        """How long the window goes on, in ns; 0 outside it. -> (N,)."""
        days = np.array(self.dates, dtype="datetime64[D]").astype(np.int64)
        return np.where(np.isin(times.local // DAY_NS, days), DAY_NS - times.local % DAY_NS, 0)


Window = Once | Weekly | Holidays


def switches(windows: Sequence[Window], matches: Bool, timestamp: Int64, calendar: Calendar) -> tuple[Bool, Bool]:
    """Which readings are muted, and which are learnt from.

    matches: (N, W) whether the series of each is one that each window names, timestamp: (N,) ns -> (N,), (N,).
    """
    is_muted, learns = np.zeros(len(timestamp), dtype=np.bool_), np.ones(len(timestamp), dtype=np.bool_)
    times = Times(timestamp, calendar.local(timestamp))
    for place, window in enumerate(windows):
        is_inside = (window.left(times) > 0) & matches[:, place]
        is_muted |= is_inside & window.mute
        learns &= ~is_inside | window.learn
    return is_muted, learns


def unmuted(windows: Sequence[Window], matches: Bool, timestamp: Int64, calendar: Calendar) -> Int64:
    """The first moments, from these on, in no window that mutes; the last there is where one never ends.

    matches: (N, W), timestamp: (N,) ns -> (N,).
    """
    when = timestamp.copy()
    for _ in range(MAX_WINDOWS_IN_A_ROW):
        times = Times(when, calendar.local(when))
        left = np.zeros_like(when)
        for place, window in enumerate(windows):
            left = np.maximum(left, window.left(times) * (matches[:, place] & window.mute))
        if not left.any():
            return when
        end = when + left
        leap = calendar.local(end) - times.local - left  # of the clock on the wall: then it is there before
        when = end - np.where((leap > 0) & (leap < left), leap, 0)
    return np.where(left > 0, FOREVER, when)


def _instant(key: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"maintenance, {key}: Expected a time such as 2026-03-01T22:00, got {text!r}") from error


def _nanoseconds(when: datetime) -> int:
    """Since the epoch: by UTC, or by the local clock where it names no zone."""
    epoch = datetime(1970, 1, 1, tzinfo=when.tzinfo and UTC)
    return (when - epoch) // MICROSECOND * 1000


def _minutes_ns(time: str) -> int:
    """Since midnight."""
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60 * SECOND_NS
