"""Decides which series have a row of their own on the metrics page.

Every new row is a new time series in Prometheus and stays there for hours: a list of "the worst thousand now" creates
a hundred thousand of them in an hour. So whoever is let in stays a while, and only so many are let in an hour.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

Table = Hashable  # whatever names one table of series, such as (group, topic, partition)


@dataclass(frozen=True)
class WatchPolicy:
    """How many series may have a row, and for how long."""

    limit: int = 1_000
    pinned: tuple[str, ...] = ()  # names of series that always have a row, with * and ? as in a shell
    newcomers_per_hour: int = 2_000
    stay_seconds: float = 300.0  # how long a row stays after the last anomalous reading

    def is_pinned(self, series: str) -> bool:
        """Tell whether the name as a whole matches one of the pinned."""
        return self._pattern is not None and self._pattern.match(series) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(translate, self.pinned))) if self.pinned else None


class Watchlist:
    """The series that have a row: all while they are few, above the limit the pinned and the recently anomalous.

    One list serves all tables of a daemon, since they share one page. It knows series by name, since rows change hands.
    A call costs what it is told about, never the fleet. Times are seconds of a clock that never goes back. One thread
    calls every method.
    """

    def __init__(self, policy: WatchPolicy, now: float) -> None:
        self.admitted = 0
        self.refused = 0
        self._policy = policy
        self._fleet: Counter[Table] = Counter()
        self._pinned: dict[Table, dict[str, None]] = {}  # in order of appearance
        self._seen: dict[Table, dict[str, float]] = {}  # the time of the last anomalous reading
        self._tokens = float(policy.newcomers_per_hour)
        self._refilled_at = now

    @property
    def shows_all(self) -> bool:
        """Whether every series has a row."""
        return self._fleet.total() <= self._policy.limit

    def count(self, table: Table, series: int, arrived: Iterable[str], gone: Iterable[str]) -> None:
        """Take note of how many series a table has now, of those that are new there, and of those that left it."""
        self._fleet[table] = series
        pinned, seen = self._pinned.setdefault(table, {}), self._seen.setdefault(table, {})
        for name in gone:
            pinned.pop(name, None)
            seen.pop(name, None)
        self._pin(pinned, arrived)

    def adopt(self, policy: WatchPolicy, names: Mapping[Table, Iterable[str]]) -> None:
        """Go on by another policy. Take all series of every table: who was not pinned may be now."""
        self._policy = policy
        self._pinned = {table: {} for table in names}
        for table, pinned in self._pinned.items():
            self._pin(pinned, names[table])

    def _pin(self, pinned: dict[str, None], names: Iterable[str]) -> None:
        for name in filter(self._policy.is_pinned, names):
            if name in pinned or sum(map(len, self._pinned.values())) < self._policy.limit:
                pinned[name] = None
            else:
                self.refused += 1

    def forget(self, table: Table) -> None:
        """Drop a table that has left this process."""
        for kept in (self._fleet, self._pinned, self._seen):
            kept.pop(table, None)

    def admit(self, table: Table, anomalous: Sequence[str], now: float) -> None:
        """Let the series in that are anomalous now, the first ones first, and let those leave that long are not.

        Above the limit a series that finds no room, or has used up the hour, is refused and counted, once a call.
        While every series has a row nobody is admitted or refused.
        """
        if self.shows_all:
            return
        self._expire(now)
        pinned, seen = self._pinned.get(table, {}), self._seen.setdefault(table, {})
        seen.update((name, now) for name in anomalous if name in seen)
        newcomers = [name for name in anomalous if name not in seen and name not in pinned]
        admitted = min(len(newcomers), self._free_seats(), int(self._refill(now)))
        seen.update(dict.fromkeys(newcomers[:admitted], now))
        self._tokens -= admitted
        self.admitted += admitted
        self.refused += len(newcomers) - admitted

    def watched(self, table: Table) -> list[str]:
        """Tell which series of a table are on the page while not all of them are."""
        return list(self._pinned.get(table, {}) | self._seen.get(table, {}))

    def _free_seats(self) -> int:
        taken = sum(map(len, self._pinned.values())) + sum(map(len, self._seen.values()))
        return max(self._policy.limit - taken, 0)

    def _refill(self, now: float) -> float:
        hourly = self._policy.newcomers_per_hour
        self._tokens = min(self._tokens + (now - self._refilled_at) * hourly / 3600, float(hourly))
        self._refilled_at = now
        return self._tokens

    def _expire(self, now: float) -> None:
        oldest = now - self._policy.stay_seconds
        for table, seen in self._seen.items():
            self._seen[table] = {name: at for name, at in seen.items() if at >= oldest}
