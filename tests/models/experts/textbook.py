"""The experts as a textbook has them: one series, double precision, a reading at a time, from the formulas alone."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def mean_gaps(values: Sequence[float], memory: float) -> Iterator[float]:
    """``m += max(1 / memory, 1 / n) (y - m)``. -> m - y after each reading."""
    mean = 0.0
    for n, y in enumerate(values, 1):
        mean += max(1 / memory, 1 / n) * (y - mean)
        yield mean - y


@dataclass
class YuleWalker:
    """Autocovariances of clipped scaled differences; the equations solved by elimination; forecasts iterated."""

    order: int = 8
    z: list[float] = field(default_factory=list)  # the newest first
    r: Float64 = field(default_factory=lambda: np.zeros(9))
    n: int = 0

    def learn(self, difference: float, scale: float) -> None:
        self.n += 1
        self.z.insert(0, float(np.clip(difference / scale, -8, 8)))
        for k in range(self.order + 1):
            product = self.z[0] * self.z[k] if k < len(self.z) else 0.0
            self.r[k] += max(1 / self.n, 0.002) * (product - self.r[k])

    def moved(self, horizon: int) -> float:
        """The change expected over ``horizon`` steps, of which no more than 16 are iterated, in scales."""
        column = np.array([self.r[0] * 1.001 + 5 / min(self.n, 500), *self.r[1 : self.order]])
        matrix = np.array([[column[abs(i - j)] for j in range(self.order)] for i in range(self.order)])
        coefficients = np.linalg.solve(matrix, self.r[1:])
        window = [*self.z, *[0.0] * self.order][: self.order]
        total = 0.0
        for _ in range(min(horizon, 16)):
            z = float(coefficients @ window)
            window = [z, *window[:-1]]
            total += z
        return total


@dataclass
class Direct:
    """Recursive least squares as it is written down, its covariance kept from growing beyond a trace of 8."""

    inputs: int

    def __post_init__(self) -> None:
        self.weights, self.covariance = np.zeros(self.inputs), np.eye(self.inputs)

    def learn(self, x: Float64, target: float) -> None:
        q = self.covariance @ x
        d = 0.998 + x @ q
        self.weights = self.weights + q * (np.clip(target, -8, 8) - self.weights @ x) / d
        smaller = self.covariance - np.outer(q, q) / d
        self.covariance = smaller * min(1 / 0.998, 8 / np.trace(smaller))


@dataclass
class Season:
    """Bins around the cycle, interpolated, on top of a mean whose memory is a cycle."""

    bins: int
    readings: float  # of a cycle

    def __post_init__(self) -> None:
        self.usual = np.full(self.bins, np.nan)
        self.mean, self.residual, self.n, self.y = 0.0, 0.0, 0, 0.0

    def _around(self, phase: float) -> tuple[tuple[int, float], tuple[int, float]]:
        """The two bins around a phase, and the share of each."""
        i = math.floor(phase * self.bins)
        f = phase * self.bins - i
        return (i % self.bins, 1 - f), ((i + 1) % self.bins, f)

    def _read(self, phase: float) -> float:
        """What is usual at a phase, beside the mean: nothing where no cycle has come to it."""
        return float(sum(share * np.nan_to_num(self.usual[bin_]) for bin_, share in self._around(phase)))

    def learn(self, y: float, phase: float, scale: float) -> None:
        self.n, self.y = self.n + 1, y
        cycles, before = math.floor((self.n - 0.5) / self.readings), self.mean
        self.mean += max(1 / self.n, 1 / self.readings) * (y - self.mean)
        if cycles == 0:
            self.usual -= self.mean - before  # what was learnt stays at its level
        e = y - self.mean - self._read(phase)
        if cycles > 0 and self.n > 16:
            e = float(np.clip(e, -4 * max(self.residual, scale), 4 * max(self.residual, scale)))
        kept = min(max(cycles / (cycles + 1), 0.1), 0.65)
        rate = 1 - kept ** (self.bins / self.readings)
        for bin_, share in self._around(phase):
            if share > 0.01:
                self.usual[bin_] = np.nan_to_num(self.usual[bin_]) + rate * share * e
        self.residual += max(1 / self.n, 0.012) * (abs(e) - self.residual)

    def moved(self, phase: float, steps: int) -> float:
        """What is usual at a phase so many steps on, less the value."""
        is_new = self.n - 0.5 + steps < self.readings
        return self.mean - self.y + (0.0 if is_new else self._read(phase))

    def change(self, phase: float, now: float, steps: int) -> float:
        """By how much that of a phase is more than that of the present one."""
        return 0.0 if self.n - 0.5 + steps < self.readings else self._read(phase) - self._read(now)


class Pending:
    """Forecasts on a shelf until the reading that they are of: at most eight a horizon wait at once.

    Where they are fewer than the readings of a horizon, they come round every so many readings that no cycle of two,
    three, five or seven, or of any product of these, is met in some of its phases alone.
    """

    def __init__(self, horizons: Sequence[int]) -> None:
        self.horizons = horizons
        self._shelf: dict[int, dict[int, Any]] = defaultdict(dict)  # horizon -> reading it is of -> what was kept

    def due(self, n: int) -> dict[int, Any]:
        """What was forecast of reading ``n``, by horizon."""
        return {h: self._shelf[h].pop(n) for h in self.horizons if n in self._shelf[h]}

    def keep(self, n: int, forecast: object) -> None:
        """Keep what is said after reading ``n``, where there is a place for it."""
        for h in self.horizons:
            places, period = min(8, h), h
            while places < h and any(period % factor == 0 for factor in (2, 3, 5, 7)):
                period += 1
            if n % period in [j * period // places for j in range(places)]:
                self._shelf[h][n + h] = forecast


@dataclass
class Cycle:
    """The mean error of every lag, by brute force over the whole past."""

    longest: int = 336
    day: int = 0  # readings of one, where it is known
    values: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.error = np.zeros(self.longest + 1)

    def learn(self, y: float) -> None:
        self.values.append(y)
        n = len(self.values)
        for c in range(1, min(self.longest, n - 1) + 1):
            self.error[c] += max(min(0.5 / c, 1 / 128), 1 / (n - c)) * (abs(y - self.values[-1 - c]) - self.error[c])

    @property
    def period(self) -> int:
        """The lag whose error is least beside that of half the lag, with a small preference for short ones; 0: none."""
        n = len(self.values)
        lags = [c for c in range(4, self.longest + 1) if n - c >= max(c, 48)]
        ratios = {c: self.error[c] / max(self.error[c // 2], 1e-30) for c in lags}
        best = min(ratios, key=lambda c: ratios[c] + 0.04 * math.log2(c), default=0)
        return best if best and ratios[best] < 0.8 else self._first_guess(n)

    def _first_guess(self, n: int) -> int:
        """A day of more readings than the day's own expert has bins, once it is over, until its lag can be told of."""
        return self.day if 24 < self.day <= self.longest and self.day < n < self.day + max(self.day, 48) else 0
