"""Maintenance windows are spans of event time by the clock on the wall, whatever that clock does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamer.calendar import calendar_of
from streamer.maintenance import FOREVER, WEEKDAYS, Window, switches, unmuted

BERLIN = "Europe/Berlin"


def window(**options: Any) -> Window:
    """As the configuration file has it."""
    made: Window = msgspec.convert({name.removesuffix("_"): value for name, value in options.items()}, Window)
    return made


def at(text: str, zone: str = BERLIN) -> int:
    """The nanosecond of a local time; of one that there is twice, the first."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000_000


def inside(one: Window, *times: int, zone: str = BERLIN) -> list[bool]:
    matches = np.ones((len(times), 1), dtype=np.bool_)
    is_muted, _ = switches([one], matches, np.array(times), calendar_of(zone))
    muted: list[bool] = is_muted.tolist()
    return muted


def test_a_span_without_a_zone_is_one_of_the_local_clock() -> None:
    local = window(type="once", from_="2026-07-01T22:00", to="2026-07-02T02:00")
    named = window(type="once", from_="2026-07-01T22:00Z", to="2026-07-02T02:00+00:00")
    edges = [f"2026-07-{day}" for day in ("01T21:59:59", "01T22:00", "02T01:59:59", "02T02:00")]

    assert inside(local, *map(at, edges)) == [False, True, True, False]
    assert inside(named, *(at(edge, "UTC") for edge in edges)) == [False, True, True, False]


def test_hours_of_a_week_may_pass_midnight_and_the_end_of_the_week() -> None:
    nights = window(type="weekly", days=["sunday"], from_="22:00", to="06:00")
    times = ["05T21:59", "05T22:00", "06T05:59", "06T06:00", "06T23:00", "12T23:00"]  # 2026-07-05 is a Sunday

    assert inside(nights, *(at(f"2026-07-{time}") for time in times)) == [False, True, True, False, False, True]


def test_a_window_without_hours_is_the_whole_of_its_days() -> None:
    weekend = window(type="weekly", days=["saturday", "sunday"])
    times = ["03T23:59", "04T00:00", "05T23:59", "06T00:00"]

    assert inside(weekend, *(at(f"2026-07-{time}") for time in times)) == [False, True, True, False]


def test_a_holiday_is_a_local_day() -> None:
    holiday = window(type="holidays", dates=["2026-12-25"])
    times = ["24T23:59", "25T00:00", "25T23:59", "26T00:00"]

    assert inside(holiday, *(at(f"2026-12-{time}") for time in times)) == [False, True, True, False]


def test_an_hour_that_comes_twice_is_in_its_window_twice_and_one_that_is_left_out_in_none() -> None:
    at_two = window(type="weekly", from_="02:00", to="03:00")
    hour = timedelta(hours=1)

    def hours_in(day: datetime) -> int:
        times = [int((day + place * hour).timestamp()) * 1_000_000_000 for place in range(24)]
        return inside(at_two, *times).count(True)

    assert hours_in(datetime(2026, 3, 28, 12, tzinfo=UTC)) == 0
    assert hours_in(datetime(2026, 7, 1, 12, tzinfo=UTC)) == 1
    assert hours_in(datetime(2026, 10, 24, 12, tzinfo=UTC)) == 2


def test_of_windows_that_overlap_one_is_enough_to_mute_and_one_not_to_learn() -> None:
    quiet = window(type="weekly", learn=True)
    loud = window(type="weekly", from_="12:00", to="13:00", mute=False)
    matches, times = np.ones((2, 2), dtype=np.bool_), np.array([at("2026-07-01T11:30"), at("2026-07-01T12:30")])

    is_muted, learns = switches([quiet, loud], matches, times, calendar_of(BERLIN))

    assert is_muted.tolist() == [True, True]
    assert learns.tolist() == [True, False]


def test_a_window_concerns_the_series_that_it_names() -> None:
    matches = np.array([[True], [False]])

    is_muted, learns = switches([window(type="weekly")], matches, np.array([0, 0]), calendar_of("UTC"))

    assert is_muted.tolist() == [True, False]
    assert learns.tolist() == [False, True]


WINDOWS = [
    window(type="weekly", days=["saturday", "sunday"], from_="22:00", to="04:00"),
    window(type="weekly", days=["sunday"], from_="03:30", to="09:15"),
    window(type="weekly", days=["monday"], mute=False),
    window(type="holidays", dates=["2026-03-29", "2026-10-25", "2026-10-26"]),
    window(type="once", from_="2026-03-28T20:00Z", to="2026-03-29T00:30Z"),
]


@given(
    start=st.sampled_from([at("2026-03-27T12:00"), at("2026-10-23T12:00")]),
    minutes=st.integers(0, 4 * 24 * 60),
    chosen=st.lists(st.sampled_from(range(len(WINDOWS))), unique=True, max_size=4),
)
@example(start=at("2026-03-28T22:30"), minutes=0, chosen=[0])
@example(start=at("2026-03-28T22:30"), minutes=0, chosen=[4])
@example(start=at("2026-10-24T22:30"), minutes=0, chosen=[0])
@example(start=at("2026-10-25T00:00"), minutes=0, chosen=[3])
def test_the_first_moment_that_is_not_mute_is_found_over_any_change_of_the_clock(
    start: int, minutes: int, chosen: list[int]
) -> None:
    windows, calendar, minute = [WINDOWS[place] for place in chosen], calendar_of(BERLIN), 60_000_000_000
    when = start + minutes * minute

    [found] = unmuted(windows, np.ones((1, len(windows)), dtype=np.bool_), np.array([when]), calendar)

    later = when + minute * np.arange(4 * 24 * 60)
    is_muted, _ = switches(windows, np.ones((len(later), len(windows)), dtype=np.bool_), later, calendar)
    assert found == later[is_muted.argmin()]


def test_a_series_that_is_always_mute_is_never_not() -> None:
    always = [window(type="weekly")]

    assert unmuted(always, np.ones((1, 1), dtype=np.bool_), np.array([0]), calendar_of("UTC")) == [FOREVER]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "weekly", "mute": False, "learn": True}, "Expected mute: true or learn: false, got a window that"),
        ({"type": "weekly", "days": ["Sunday"]}, "Invalid enum value 'Sunday'"),
        ({"type": "weekly", "days": []}, "Expected `array` of length >= 1"),
        ({"type": "weekly", "from_": "24:00"}, "Expected `str` matching regex"),
        ({"type": "once", "from_": "soon", "to": "later"}, "Expected a time such as 2026-03-01T22:00, got 'soon'"),
        ({"type": "once", "from_": "2026-03-02T22:00", "to": "2026-03-01T22:00"}, "Expected a time and a later one"),
        ({"type": "once", "from_": "2026-03-01T22:00", "to": "2026-03-02T22:00Z"}, "a later one of its kind"),
        ({"type": "holidays", "dates": ["Christmas"]}, "Invalid RFC3339 encoded date"),
        ({"type": "monthly"}, "Invalid value 'monthly'"),
    ],
)
def test_a_window_that_is_none_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        window(**options)


def test_the_days_of_the_week_begin_with_monday() -> None:
    days = [datetime(2026, 7, 6 + place).strftime("%A").lower() for place in range(7)]  # noqa: DTZ001

    assert list(WEEKDAYS) == days
