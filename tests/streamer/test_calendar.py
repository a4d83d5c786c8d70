"""The phases of the day and of the week in any zone, against zoneinfo itself and at the very change of an offset."""

from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.calendar import DAY_NS, SECOND_NS, WEEK_NS, Calendar, calendar_of

NAMES: list[str] = (resources.files("tzdata") / "zones").read_text().split()
FIRST, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1970, 2101))
CHANGES: dict[str, list[tuple[str, float, float]]] = {  # UTC, the offset in hours before and after
    "America/Los_Angeles": [("2010-03-14T10:00:00", -8, -7), ("2010-11-07T09:00:00", -7, -8)],
    "Europe/Berlin": [("2099-03-29T01:00:00", 1, 2), ("1980-09-28T01:00:00", 2, 1)],
    "Australia/Lord_Howe": [("2024-10-05T15:30:00", 10.5, 11)],
    "Africa/Casablanca": [("2024-03-10T02:00:00", 1, 0), ("2024-04-14T02:00:00", 0, 1)],  # Ramadan
    "Pacific/Apia": [("2011-12-30T10:00:00", -10, 14)],  # a day that was left out
    "Africa/Monrovia": [("1972-01-07T00:44:30", -0.7416666666666667, 0)],
}


def zone_of(name: str) -> ZoneInfo:
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules)


def reference(name: str, timestamp_ns: int) -> tuple[float, float]:
    """The phases of one timestamp, by the local date that zoneinfo says."""
    zone = zone_of(name)
    seconds, rest_ns = divmod(timestamp_ns, SECOND_NS)
    local = datetime.fromtimestamp(seconds, zone)
    since_midnight_ns = (local.hour * 3600 + local.minute * 60 + local.second) * SECOND_NS + rest_ns
    return since_midnight_ns / DAY_NS, (local.weekday() * DAY_NS + since_midnight_ns) / WEEK_NS


@given(name=st.sampled_from(NAMES), seconds=st.lists(st.integers(FIRST, END - 1), min_size=1, max_size=50),
       rest_ns=st.integers(0, SECOND_NS - 1))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_phases_are_those_of_zoneinfo(name: str, seconds: list[int], rest_ns: int) -> None:
    timestamp = np.array(seconds) * SECOND_NS + rest_ns

    phases = calendar_of(name).phases(timestamp)

    expected = np.array([reference(name, second * SECOND_NS + rest_ns) for second in seconds])
    np.testing.assert_allclose(phases, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("name", "at", "before", "after"), [(z, *change) for z in CHANGES for change in CHANGES[z]])
def test_the_offset_changes_at_the_very_nanosecond(name: str, at: str, before: float, after: float) -> None:
    change = np.datetime64(at, "ns").astype(np.int64)

    phases = calendar_of(name).phases(np.array([change - 1, change, change + 1]))

    since_midnight = [float((change + hours * 3600e9) % DAY_NS / DAY_NS) for hours in (before, after, after)]
    away = np.abs(phases[:, 0] - since_midnight)
    assert np.minimum(away, 1 - away).max() < 1e-6


@pytest.mark.parametrize("name", ["Africa/Casablanca", "Africa/Cairo", "America/Cambridge_Bay", "America/Recife"])
def test_no_change_is_overlooked_where_one_soon_follows_another(name: str) -> None:
    days = np.arange(FIRST, END, 86_400)

    phases = calendar_of(name).phases(days * SECOND_NS)

    zone = zone_of(name)
    local = [datetime.fromtimestamp(day, zone) for day in days.tolist()]
    expected = np.array([(time.hour * 3600 + time.minute * 60 + time.second) / 86_400 for time in local])
    np.testing.assert_allclose(phases[:, 0], expected, rtol=0, atol=1e-6)


def test_the_week_begins_on_monday_at_midnight_by_the_clock_on_the_wall() -> None:
    monday = np.datetime64("2026-01-04T23:00:00", "ns").astype(np.int64)  # in Berlin an hour later

    phases = Calendar("Europe/Berlin").phases(np.array([monday - 1, monday]))

    assert phases[1].tolist() == [0, 0]
    assert (phases[0] > 0.999999).all()
    assert (phases < 1).all()


@pytest.mark.parametrize("name", ["Europe/Bielefeld", "Europe", "", "../etc/localtime", "/etc/localtime", "zone.tab"])
def test_a_zone_that_is_none_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"time_zone: Expected a name of the IANA database, .*got {name!r}"):
        Calendar(name)
