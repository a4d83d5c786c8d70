"""Seeded synthetic streams: all that the shipped weights have ever seen, so no licence and no leak is in the way.

Every family makes (T, N) unit-free values; `draw` mixes them, gives them units, gaps and flaws. T time, N streams.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
DAY_SECONDS, WEEK_SECONDS = 86_400.0, 604_800.0


@dataclass(frozen=True, slots=True)
class Streams:
    """A batch of streams to train on."""

    values: Float64  # (T, N)
    present: Bool  # (T, N)
    scored: Bool  # (T, N) False where a flaw was injected: the loss must not learn to expect it
    elapsed_seconds: Float64  # (T, N) NaN at the first reading
    calendar: Float64  # (T, N, 2) phase of the day and of the week, in [0, 1)


def draw(rng: Generator, length: int, count: int, correlation: float = 0.0) -> Streams:
    """Draw streams of ``length`` readings; neighbours in fours share a factor of weight ``correlation``."""
    elapsed, seconds = _times(rng, length, count)
    family = rng.integers(len(FAMILIES), size=count)
    values = np.empty((length, count))
    for number, make in enumerate(FAMILIES):
        members = np.flatnonzero(family == number)
        values[:, members] = make(rng, seconds[:, members])
    if correlation:
        factor = _random_walk(rng, seconds[:, ::4]).repeat(4, axis=1)[:, :count]
        values = values + correlation * factor * rng.normal(size=count)
    unit = _decades(rng, -3, 4, count)
    offset = unit * rng.choice([0.0, 1.0, 10.0, 100.0], count) * rng.normal(size=count)
    values = values * unit + offset
    step = np.where(rng.random(count) < 0.3, unit * _decades(rng, -2, -0.5, count), 0.0)
    values = np.where(step > 0, np.round(values / np.where(step > 0, step, 1)) * step, values)
    values, scored = _injure(rng, values, unit)
    present = ~_stretches(rng, (length, count), share=0.15, chance=0.003, longest=30)
    calendar = np.stack((seconds / DAY_SECONDS, seconds / WEEK_SECONDS), -1) % 1.0
    return Streams(values, present, scored & present, elapsed, calendar)


def _times(rng: Generator, length: int, count: int) -> tuple[Float64, Float64]:
    """Elapsed seconds and seconds since the epoch: regular, jittered, or with gaps like closed hours."""
    interval = rng.choice([1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 86_400.0], count)
    kind = rng.random(count)
    steps = np.ones((length, count))
    jittered = kind < 0.2
    steps[:, jittered] = rng.gamma(4, 1 / 4, (length, int(jittered.sum())))
    gapped = (kind > 0.8) & (interval < DAY_SECONDS)
    steps[:, gapped] += (rng.random((length, int(gapped.sum()))) < 0.01) * rng.exponential(
        40, (length, int(gapped.sum()))
    )
    elapsed = steps * interval
    seconds = np.cumsum(elapsed, axis=0) + rng.uniform(0, WEEK_SECONDS, count)
    elapsed[0] = np.nan
    return elapsed, seconds


def _decades(rng: Generator, low: float, high: float, count: int) -> Float64:
    """Draw uniformly between two powers of ten, in the logarithm. -> (N,)."""
    drawn: Float64 = np.power(10.0, rng.uniform(low, high, count))
    return drawn


def _noise(rng: Generator, shape: tuple[int, ...]) -> Float64:
    """Student-t noise of unit spread, a tail weight for each stream."""
    freedom = rng.choice([4.0, 6.0, 10.0, 50.0], shape[-1])
    noise: Float64 = rng.standard_t(freedom, shape) * np.sqrt((freedom - 2) / freedom)
    return noise


def _filtered(noise: Float64, pole: Float64) -> Float64:
    """``y_t = pole y_{t-1} + noise_t`` along time."""
    out = np.empty_like(noise)
    value = np.zeros(noise.shape[1])
    for t, shock in enumerate(noise):
        value = pole * value + shock
        out[t] = value
    return out


def _random_walk(rng: Generator, seconds: Float64) -> Float64:
    return np.cumsum(_noise(rng, seconds.shape), axis=0)


def _reverting(rng: Generator, seconds: Float64) -> Float64:
    count = seconds.shape[1]
    return _filtered(_noise(rng, seconds.shape), 1 - _decades(rng, -3, -0.02, count))


def _smooth(rng: Generator, seconds: Float64) -> Float64:
    """Twice filtered: the difference is itself persistent, like a tank that fills."""
    count = seconds.shape[1]
    speed = _filtered(_noise(rng, seconds.shape), 1 - _decades(rng, -1.5, -0.3, count))
    measured = rng.choice([0.0, 0.05, 0.3], count) * _noise(rng, seconds.shape)
    level: Float64 = _filtered(speed, 1 - _decades(rng, -4, -1, count)) + measured
    return level


def _seasonal(rng: Generator, seconds: Float64) -> Float64:
    """One to four harmonics of a day, a week or an arbitrary period, with reverting noise on top."""
    length, count = seconds.shape
    interval = np.median(np.diff(seconds, axis=0), axis=0)
    arbitrary = interval * rng.uniform(6, 300, count)
    period = np.choose(
        rng.integers(3, size=count), [np.full(count, DAY_SECONDS), np.full(count, WEEK_SECONDS), arbitrary]
    )
    wave = np.zeros((length, count))
    for harmonic in range(1, 5):
        weight = rng.normal(size=count) * (rng.random(count) < 1 / harmonic) * 8 / harmonic
        wave += weight * np.sin(2 * np.pi * harmonic * seconds / period + rng.uniform(0, 7, count))
    return wave + _reverting(rng, seconds) * _decades(rng, -1.5, 0.3, count)


def _volatile(rng: Generator, seconds: Float64) -> Float64:
    """Market-like: the size of the steps is itself a slow process."""
    count = seconds.shape[1]
    log_size = _filtered(rng.normal(size=seconds.shape) * 0.1, 1 - _decades(rng, -2.5, -1, count))
    return np.cumsum(_noise(rng, seconds.shape) * np.exp(log_size), axis=0)


def _returns(rng: Generator, seconds: Float64) -> Float64:
    return np.diff(_volatile(rng, np.concatenate((seconds[:1], seconds))), axis=0)


def _counts(rng: Generator, seconds: Float64) -> Float64:
    count = seconds.shape[1]
    rate = np.exp(0.5 * np.tanh(_filtered(rng.normal(size=seconds.shape) * 0.05, np.full(count, 0.995))))
    daily = 1 + rng.uniform(0, 0.9, count) * np.sin(2 * np.pi * seconds / DAY_SECONDS + rng.uniform(0, 7, count))
    return rng.poisson(rate * daily * _decades(rng, -0.5, 2.5, count)).astype(np.float64)


def _intermittent(rng: Generator, seconds: Float64) -> Float64:
    """Mostly zero, with bursts."""
    is_on = _stretches(rng, seconds.shape, share=1.0, chance=0.02, longest=20)
    return np.where(is_on, np.abs(_noise(rng, seconds.shape) + 3), 0.0)


def _saturated(rng: Generator, seconds: Float64) -> Float64:
    """Bounded like a percentage, resting on its bounds."""
    wave = _seasonal(rng, seconds)
    low, high = np.quantile(wave, [0.15, 0.85], axis=0)
    return np.clip(wave, low, high)


def _switching(rng: Generator, seconds: Float64) -> Float64:
    """Two regimes, each with its own level and noise."""
    is_second = _stretches(rng, seconds.shape, share=1.0, chance=0.01, longest=150)
    count = seconds.shape[1]
    noise = _reverting(rng, seconds)
    return np.where(is_second, noise * _decades(rng, -1, 1, count) + 6 * rng.normal(size=count), noise)


def _nearly_flat(rng: Generator, seconds: Float64) -> Float64:
    """Flat but for rare small steps."""
    return np.cumsum((rng.random(seconds.shape) < 0.01) * rng.normal(size=seconds.shape), axis=0)


FAMILIES: tuple[Callable[[Generator, Float64], Float64], ...] = (
    _random_walk,
    _reverting,
    _reverting,
    _smooth,
    _smooth,
    _seasonal,
    _seasonal,
    _volatile,
    _returns,
    _counts,
    _intermittent,
    _nearly_flat,
    _saturated,
    _switching,
)


def _stretches(rng: Generator, shape: tuple[int, ...], share: float, chance: float, longest: int) -> Bool:
    """Random stretches of time in a share of the streams. -> (T, N)."""
    length, count = shape
    starts = (rng.random(shape) < chance) & (rng.random(count) < share)
    inside = np.zeros(shape, dtype=np.int64)
    left = np.zeros(count, dtype=np.int64)
    for t in range(length):
        left = np.where(starts[t], rng.integers(1, longest + 1, count), np.maximum(left - 1, 0))
        inside[t] = left
    return inside > 0


def _injure(rng: Generator, values: Float64, unit: Float64) -> tuple[Float64, Bool]:
    """Outliers in a fifth of the streams, level shifts in another. -> values, and which readings may be scored.

    A forecaster must live on after both, but never learn to expect them: they are what it is there to find.
    """
    count = values.shape[1]
    size = (np.std(np.diff(values, axis=0), axis=0) + unit * 1e-3) * 15
    is_outlier = (rng.random(values.shape) < 0.003) & (rng.random(count) < 0.2)
    is_shift = (rng.random(values.shape) < 0.002) & (rng.random(count) < 0.2)
    spoilt = values + np.where(is_outlier, size * rng.normal(size=values.shape), 0)
    spoilt += np.cumsum(np.where(is_shift, size * rng.normal(size=values.shape), 0), axis=0)
    return spoilt, ~(is_outlier | is_shift)
