"""Regimes: levels that shift, states that come and go, dwell times by chance or nearly by the clock."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import (
    Float64,
    Int64,
    at_least_once,
    chosen,
    decades,
    rare,
    reverting,
    shocks,
    turns,
    wandering,
)
from models.training.streams.seasons import calendar_wave, period_wave

STATES = 4


def switching(rng: Generator, clock: Clock) -> Float64:
    """Two to four states, each with its own level and noise."""
    shape = clock.shape
    noise = np.where(chosen(rng, 0.5, shape[1]), reverting(rng, shape), shocks(rng, shape))
    state = _states(rng, clock, rng.integers(2, STATES + 1, shape[1]))
    streams = np.arange(shape[1])
    level = rng.standard_normal((STATES, shape[1])) * decades(rng, 0, 1.3, shape[1])
    size = decades(rng, -1, 0.5, STATES * shape[1]).reshape(level.shape)
    values: Float64 = level[state, streams] + noise * size[state, streams]
    return values


def telegraph(rng: Generator, clock: Clock) -> Float64:
    """A switch or a mode: a few exact values, with hardly any noise or none."""
    count = clock.shape[1]
    state = _states(rng, clock, rng.integers(2, STATES + 1, count))
    level = np.cumsum(rng.choice([1.0, 1.0, 2.0, 5.0], (STATES, count)), axis=0)
    noise = np.where(chosen(rng, 0.5, count), decades(rng, -3, -1, count), 0.0)
    values: Float64 = level[state, np.arange(count)] + noise * shocks(rng, clock.shape)
    return values


def shifting(rng: Generator, clock: Clock) -> Float64:
    """A level that shifts now and then, under noise that remembers or not."""
    count = clock.shape[1]
    jumps = rare(rng, clock.shape, decades(rng, -3, -1.3, count)) * rng.standard_normal(clock.shape)
    level: Float64 = np.cumsum(jumps, axis=0) * decades(rng, 0, 1.3, count)
    return level + np.where(chosen(rng, 0.5, count), reverting(rng, clock.shape), shocks(rng, clock.shape))


def nearly_flat(rng: Generator, clock: Clock) -> Float64:
    """Flat but for rare steps: a set point, a version, a disk that fills by files."""
    count = clock.shape[1]
    is_new = at_least_once(rng, rare(rng, clock.shape, decades(rng, -2.3, -1, count)))
    steps = is_new * (rng.standard_normal(clock.shape) + rng.choice([0.0, 0.0, 2.0], count))
    return np.cumsum(steps, axis=0)


def saturated(rng: Generator, clock: Clock) -> Float64:
    """Bounded like a share, resting on its bounds: a season or a slow process, cut off."""
    count = clock.shape[1]
    wave = np.where(chosen(rng, 0.5, count), calendar_wave(rng, clock), period_wave(rng, clock))
    free = np.where(chosen(rng, 0.5, count), wave, 0.0) + reverting(rng, clock.shape) * rng.uniform(0.05, 1, count)
    low = np.where(chosen(rng, 0.7, count), rng.uniform(-1, 0.2, count), -np.inf)
    high = np.where(chosen(rng, 0.7, count), rng.uniform(0.3, 1.5, count), np.inf)
    return np.clip(free, low, high)


def _states(rng: Generator, clock: Clock, number: Int64) -> Int64:
    """Which state each stream is in: held for a time by chance, or nearly the same time each. -> (T, N)."""
    count = clock.shape[1]
    dwell = decades(rng, 0.5, 2.3, count)
    by_chance = rare(rng, clock.shape, 1 / dwell)
    drift = wandering(rng, clock.shape, decades(rng, -2, 0, count))
    by_clock = turns(clock.position / dwell + drift + rng.random(count))
    is_new = at_least_once(rng, np.where(chosen(rng, 0.6, count), by_chance, by_clock))
    ahead = np.where(chosen(rng, 0.5, count), 1, rng.integers(1, number, clock.shape))  # in turn, or any other one
    state: Int64 = np.cumsum(is_new * ahead, axis=0) % number
    return state
