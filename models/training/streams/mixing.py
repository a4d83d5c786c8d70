"""What makes many streams of few families: sums, successions, warps, trends, shared factors with lags, units."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.families import draw_values
from models.training.streams.noise import Bool, Float64, Int64, chosen, decades, held, rare

LONGEST_LAG = 16  # readings


def mixed(rng: Generator, clock: Clock) -> tuple[Float64, Bool]:
    """Draw families, add another to a quarter of the streams, let another follow in an eighth. -> (T, N) each.

    The second: whether a reading may be scored, which the first one after the change may not.
    """
    length, count = clock.shape
    values, is_change = draw_values(rng, clock), np.zeros(clock.shape, dtype=bool)
    kind = rng.random(count)
    values /= spread(values)
    added, followed = np.flatnonzero(kind < 0.25), np.flatnonzero(kind > 0.875)
    other = draw_values(rng, clock.of(added))
    values[:, added] += other / spread(other) * decades(rng, -1, 0.5, len(added))
    after = draw_values(rng, clock.of(followed))
    after *= decades(rng, -0.7, 0.7, len(followed)) / spread(after)
    change = rng.integers(length // 8, length, len(followed))
    is_after = np.arange(length)[:, None] >= change
    columns = np.arange(len(followed))
    after += np.where(chosen(rng, 0.5, len(followed)), values[change - 1, followed] - after[change, columns], 0.0)
    values[:, followed] = np.where(is_after, after, values[:, followed])
    is_change[change, followed] = True
    return values, ~is_change


def warped(rng: Generator, values: Float64) -> Float64:
    """Bend a fifth of the streams: grown exponentially, folded at zero, saturated smoothly, cut off at a bound."""
    count = values.shape[1]
    kind = rng.random(count)
    out: Float64 = values * rng.choice([-1.0, 1.0, 1.0], count)
    around = values - np.median(values, axis=0)
    grown, folded, soft, floored = (np.flatnonzero((kind >= at) & (kind < at + 0.05)) for at in (0, 0.05, 0.1, 0.15))
    out[:, grown] = np.expm1((around[:, grown] * rng.uniform(0.3, 1.5, len(grown))).clip(-8, 8))
    out[:, folded] = np.abs(around[:, folded])
    out[:, soft] = np.tanh(around[:, soft])
    out[:, floored] = np.maximum(around[:, floored], rng.uniform(-1.5, 0, len(floored)))
    return out


def trending(rng: Generator, clock: Clock, values: Float64) -> Float64:
    """Add straight pieces to an eighth of the streams and shifts of the level to a twelfth. values: of unit spread."""
    length, count = clock.shape
    bends, shifts = chosen(rng, 0.12, count), chosen(rng, 0.08, count)
    slope = held(rng.standard_normal(clock.shape), rare(rng, clock.shape, 2 / length))
    rise = np.cumsum(slope * clock.steps.clip(0, 100), axis=0) / length * decades(rng, -0.5, 1, count)
    steps = np.cumsum(rare(rng, clock.shape, 3 / length) * rng.standard_normal(clock.shape), axis=0)
    return values + np.where(bends, rise, 0.0) + np.where(shifts, steps * decades(rng, -0.5, 0.5, count), 0.0)


def coupled(rng: Generator, values: Float64, factor: Float64, channels: int) -> Float64:
    """Let the channels of a series share a factor, each with its own weight, sign and lag.

    values: (T, N * channels), factor: (T, N) -> (T, N * channels), the first `LONGEST_LAG` readings useless.
    """
    length, count = factor.shape
    strength = np.where(chosen(rng, 0.75, count), decades(rng, -0.3, 1, count), 0.0).repeat(channels)
    by_level = chosen(rng, 0.5, count).repeat(channels)  # else the moves are shared, which are what is forecast
    own, theirs = np.diff(values, axis=0).std(axis=0), np.diff(factor, axis=0).std(axis=0).repeat(channels)
    weight = strength * rng.standard_normal(len(strength)) * np.where(by_level, 1.0, own / theirs.clip(1e-6))
    lag = np.where(chosen(rng, 0.25, len(strength)), rng.integers(LONGEST_LAG + 1, size=len(strength)), 0)
    earlier: Int64 = (np.arange(length)[:, None] - lag).clip(0)
    shared = factor[earlier, np.arange(count).repeat(channels)]
    return values + weight * shared


def spread(values: Float64) -> Float64:
    """The spread of each stream, to put two on one scale; 1 where it never moves. (T, N) -> (N,)."""
    deviation = values.std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)
