"""How good forecasts are: CRPS, absolute and squared errors, coverage of the 90 % band, summed for each series."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, stdtr

from forecast.batch import Batch, Float64

TAIL = 0.05  # beyond each end of the band
BLOCK = 256  # readings scored at once
LEAST_RATIO = 1e-3  # a smaller one counts as this much in a geometric mean


class Forecast(NamedTuple):
    """Student-t forecasts made after S readings of B series at K horizons, or at the first of them."""

    location: NDArray[np.float64]  # (S, B, K)
    scale: NDArray[np.float64]  # (S, B, K)
    freedom: NDArray[np.float64]  # (S, B, K)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one forecaster: (B, K) each."""

    crps: Float64
    absolute: Float64
    squared: Float64
    covered: Float64
    count: Float64


@dataclass(frozen=True)
class Tally:
    """The scores of all forecasters of a batch. A forecast counts once an error of its horizon was seen."""

    batch: Batch
    horizons: tuple[int, ...]
    first_target: int = 0  # readings before this one are not scored
    sums: dict[str, Sums] = field(default_factory=dict)

    def add(self, name: str, first: int, forecast: Forecast) -> None:
        """Score forecasts made at readings ``first`` and after, whose rows are the first ones of the batch."""
        for start in range(0, len(forecast.location), BLOCK):
            part = Forecast(*(array[start : start + BLOCK] for array in forecast))
            for k in range(part.location.shape[2]):
                self._add(self._sums(name), first + start, k, part)

    def mean(self, name: str, score: str) -> Float64:
        """Of each series and horizon, NaN where nothing was scored. -> (B, K)."""
        sums = self.sums[name]
        total: Float64 = getattr(sums, score)
        return _divided(total, sums.count)

    def ratio(self, name: str, other: str, score: str = "crps") -> Float64:
        """One forecaster's score over another's. -> (B, K), NaN where the other one's is 0."""
        return _divided(self.mean(name, score), self.mean(other, score))

    def _sums(self, name: str) -> Sums:
        shape = (len(self.batch.series), len(self.horizons))
        return self.sums.setdefault(name, Sums(*(np.zeros(shape) for _ in range(5))))

    def _add(self, sums: Sums, first: int, k: int, forecast: Forecast) -> None:
        horizon = self.horizons[k]
        steps, rows, _ = forecast.location.shape
        target = np.arange(first, first + steps) + horizon
        is_scored = (target[:, None] < self.batch.lengths[:rows]) & (target >= 2 * horizon)[:, None]
        is_scored &= (target >= self.first_target)[:, None]
        t, b = np.nonzero(is_scored)
        error = self.batch.values[target[t], b] - forecast.location[t, b, k]
        scale, freedom = forecast.scale[t, b, k], forecast.freedom[t, b, k]
        crps, below = student_crps(error / scale, freedom)
        parts = (crps * scale, np.abs(error), error**2, (below >= TAIL) & (below <= 1 - TAIL), np.ones(len(error)))
        for total, part in zip(_totals(sums), parts, strict=True):
            total[:rows, k] += np.bincount(b, part, minlength=rows)


def student_crps(z: Float64, freedom: Float64) -> tuple[Float64, Float64]:
    """The CRPS of Student's t of unit scale, in closed form (Jordan, Krueger and Lerch, 2019). freedom > 1.

    ``z (2 F(z) - 1) + 2 f(z) (v + z^2) / (v - 1) - 2 sqrt(v) B(1/2, v - 1/2) / ((v - 1) B(1/2, v/2)^2)``.

    Returns:
        The CRPS and ``F(z)``, the probability below ``z``.
    """
    below: Float64 = stdtr(freedom, z)
    log_beta = betaln(0.5, freedom / 2)
    with np.errstate(over="ignore"):
        density = np.exp(-log_beta - np.log(freedom) / 2 - (freedom + 1) / 2 * np.log1p(z * z / freedom))
        bulge = np.where(density > 0, 2 * density * (freedom + z * z) / (freedom - 1), 0.0)
    constant = 2 * np.sqrt(freedom) / (freedom - 1) * np.exp(betaln(0.5, freedom - 0.5) - 2 * log_beta)
    return z * (2 * below - 1) + bulge - constant, below


def _divided(above: Float64, below: Float64) -> Float64:
    """NaN where nothing is below the line."""
    ratio: Float64 = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio


def _totals(sums: Sums) -> Iterator[Float64]:
    yield from (sums.crps, sums.absolute, sums.squared, sums.covered, sums.count)


def median_and_mean(ratios: Float64) -> tuple[float, float]:
    """Median and geometric mean of the ratios that are known. ratios: (B,)."""
    known = ratios[np.isfinite(ratios)]
    if len(known) == 0:
        return np.nan, np.nan
    return float(np.median(known)), float(np.exp(np.log(known.clip(LEAST_RATIO)).mean()))
