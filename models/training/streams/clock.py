"""When the readings of a stream are made: cadences, jitter, gaps, closed hours, in its local time."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from models.training.streams.noise import Float64, Int64, chosen, decades, rare

DAY_SECONDS, WEEK_SECONDS = 86_400.0, 604_800.0
CADENCES = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, DAY_SECONDS)  # seconds
CADENCE_SHARES = (0.08, 0.08, 0.16, 0.22, 0.14, 0.08, 0.18, 0.06)
WORKING_DAYS = 5


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of N streams of T readings."""

    interval: Float64  # (N,) seconds, the usual one
    seconds: Float64  # (T, N) local time since the midnight before a Monday; never falls

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N)."""
        length, count = self.seconds.shape
        return length, count

    @property
    def position(self) -> Float64:
        """Time in usual intervals since the first reading. -> (T, N)."""
        passed: Float64 = self.seconds - self.seconds[0]
        return passed / self.interval

    @property
    def steps(self) -> Float64:
        """Usual intervals since the reading before, 1 at the first. -> (T, N)."""
        elapsed: Float64 = np.diff(self.seconds, axis=0, prepend=self.seconds[:1] - self.interval)
        return elapsed / self.interval

    def of(self, streams: Int64) -> "Clock":
        """The clock of some of the streams, in this order."""
        return Clock(self.interval[streams], self.seconds[:, streams])


def draw_clock(rng: Generator, length: int, count: int) -> Clock:
    """Clocks of every kind: most of the usual cadences, the others of any from ten seconds to four hours."""
    usual = rng.choice(CADENCES, count, p=CADENCE_SHARES)
    interval = np.where(chosen(rng, 0.75, count), usual, decades(rng, 1, 4.16, count))
    open_seconds = np.cumsum(_steps(rng, length, count) * interval, axis=0) + rng.uniform(0, WEEK_SECONDS, count)
    return Clock(interval, _with_closed_hours(rng, open_seconds))


def _steps(rng: Generator, length: int, count: int) -> Float64:
    """Usual intervals from reading to reading: most regular, others jittered, at random, thinned or with gaps."""
    kind = rng.random(count)
    shape = np.select([kind < 0.06, kind < 0.12, kind < 0.16], [400.0, 4.0, 1.0], np.inf)  # of a gamma distribution
    steps = np.ones((length, count))
    jittered = np.flatnonzero(np.isfinite(shape))
    steps[:, jittered] = rng.gamma(shape[jittered], 1 / shape[jittered], (length, len(jittered))).clip(1e-3)
    thinned = np.flatnonzero((kind >= 0.16) & (kind < 0.21))
    steps[:, thinned] = rng.geometric(rng.uniform(0.1, 0.9, len(thinned)), (length, len(thinned)))
    gapped = np.flatnonzero((kind >= 0.21) & (kind < 0.33))
    is_gap = rare(rng, (length, len(gapped)), decades(rng, -3, -1.5, len(gapped)))
    steps[:, gapped] += is_gap * np.ceil(rng.exponential(30, (length, len(gapped))))
    return steps


def _with_closed_hours(rng: Generator, open_seconds: Float64) -> Float64:
    """Put the time that counts into the opening hours of a market's or an office's working days, in a few streams."""
    count = open_seconds.shape[1]
    days = np.where(chosen(rng, 0.08, count), WORKING_DAYS, 7)
    hours = np.where((days == WORKING_DAYS) & chosen(rng, 0.5, count), rng.choice([6.5, 8.5, 12.0, 16.0], count), 24.0)
    opening = np.where(hours < 24, rng.uniform(0, 24 - hours), 0.0) * 3600
    day, within = np.divmod(open_seconds, hours * 3600)
    week, weekday = np.divmod(day, days)
    seconds: Float64 = week * WEEK_SECONDS + weekday * DAY_SECONDS + opening + within
    return seconds
