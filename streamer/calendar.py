"""Calendar phases of a timestamp: where in the day and in the week it falls, in the local time of a zone."""

from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
WEEK_NS = 7 * DAY_NS
MONDAY_NS = 3 * DAY_NS  # from the weekday of the epoch, a Thursday, back to the Monday before it
FIRST_YEAR, LAST_YEAR = 1970, 2100  # beyond them the nearest offset holds
PROBE_SECONDS = 5 * 86_400  # since 1970 no zone has changed its offset twice within six days
BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


class Calendar:
    """The clock on the wall of one zone. Its rules are those of the package tzdata, the same on every machine."""

    def __init__(self, time_zone: str) -> None:
        """``time_zone`` is a name of the IANA database.

        Raises:
            ValueError: there is no such zone.
        """
        zone = _zone(time_zone)
        changes, offsets = _changes(zone)
        self._changes_ns = changes * SECOND_NS
        self._offsets_ns = offsets * SECOND_NS

    def phases(self, timestamp: Int64) -> NDArray[np.float32]:
        """The phases of the day and of the week, which begins on Monday, in [0, 1). timestamp: (N,) ns -> (N, 2)."""
        local = self.local(timestamp)
        phase = np.stack((local % DAY_NS / DAY_NS, (local + MONDAY_NS) % WEEK_NS / WEEK_NS), axis=-1)
        return np.minimum(phase.astype(np.float32), BELOW_ONE)

    def local(self, timestamp: Int64) -> Int64:
        """What the clock shows, counted as UTC is. timestamp: (N,) ns since the epoch -> (N,) ns."""
        offset = self._offsets_ns[np.searchsorted(self._changes_ns, timestamp, side="right")]
        return timestamp + offset


@lru_cache
def calendar_of(time_zone: str) -> Calendar:
    """The calendar of a zone, made once. Raises ValueError where there is no such zone."""
    return Calendar(time_zone)


def _zone(name: str) -> ZoneInfo:
    if name in (resources.files("tzdata") / "zones").read_text().split():
        with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as rules:
            return ZoneInfo.from_file(rules, key=name)
    raise ValueError(f"time_zone: Expected a name of the IANA database, such as Europe/Berlin, got {name!r}")


def _changes(zone: ZoneInfo) -> tuple[Int64, Int64]:
    """When the offset from UTC changes, and the offsets before, between and after. -> (K,) s, (K + 1,) s."""
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST_YEAR, LAST_YEAR + 1))
    changes: list[int] = []
    offsets = [_offset(zone, first)]
    for probe in range(first, last, PROBE_SECONDS):
        if _offset(zone, probe + PROBE_SECONDS) != offsets[-1]:
            changes.append(_change(zone, probe, probe + PROBE_SECONDS))
            offsets.append(_offset(zone, probe + PROBE_SECONDS))
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second with the offset of ``after``, which that of ``before`` differs from."""
    offset = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0
