"""Bursts: pulses that die away, jobs that run and stop, and stores that fill until they are emptied."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import (
    Float64,
    at_least_once,
    chosen,
    decades,
    filtered,
    held,
    rare,
    reverting,
    shocks,
    stretches,
    turns,
    wandering,
)


def pulses(rng: Generator, clock: Clock) -> Float64:
    """Shots of any size, each dying away, over a quiet ground."""
    count = clock.shape[1]
    size = np.exp(rng.standard_normal(clock.shape) * rng.uniform(0, 1.2, count))
    shots = np.where(at_least_once(rng, rare(rng, clock.shape, decades(rng, -2.3, -0.5, count))), size, 0.0)
    tail = filtered(shots, np.where(chosen(rng, 0.2, count), 0.0, 1 - decades(rng, -2, -0.1, count)))
    return tail * decades(rng, 0, 1.5, count) + _ground(rng, clock)


def jobs(rng: Generator, clock: Clock) -> Float64:
    """Work that runs for a while, each time as hard as it likes; by chance, or nearly by the clock."""
    length, count = clock.shape
    by_chance = stretches(rng, clock.shape, decades(rng, -2.3, -1, count), 40)
    period = decades(rng, 0.7, 2.5, count)
    phase = clock.position / period + wandering(rng, clock.shape, decades(rng, -2, -0.5, count)) + rng.random(count)
    is_on = np.where(chosen(rng, 0.5, count), by_chance, phase % 1 < rng.uniform(0.05, 0.6, count))
    begins = np.diff(is_on, axis=0, prepend=False)
    effort = 1 + held(rng.standard_normal((length, count)), begins) * rng.choice([0.0, 0.1, 0.4], count)
    work: Float64 = is_on * effort * decades(rng, 0, 1.5, count)
    return work + _ground(rng, clock) * (1 + is_on * rng.uniform(0, 2, count))


def stores(rng: Generator, clock: Clock) -> Float64:
    """A heap, a tank, a battery: filled at a varying pace, emptied at its limit or by the clock, at once or slowly."""
    length, count = clock.shape
    size = decades(rng, 0.7, 2.3, count)
    pace = np.exp(reverting(rng, clock.shape) * rng.uniform(0, 0.6, count))
    drain = np.where(chosen(rng, 0.6, count), size, decades(rng, 0, 1, count))  # per reading; all at once in most
    limit = size * (1 + rng.standard_normal(clock.shape) * rng.choice([0.0, 0.02, 0.2], count))
    by_clock = turns(clock.position / size + rng.random(count)) & chosen(rng, 0.3, count)
    level, is_draining = rng.uniform(0, size), np.zeros(count, dtype=bool)
    path = np.empty((length, count))
    for t in range(length):
        is_draining = (is_draining & (level > 0)) | (level >= limit[t]) | by_clock[t]
        level = np.maximum(level + np.where(is_draining, -drain, pace[t]), 0.0)
        path[t] = level
    return path + shocks(rng, clock.shape) * np.where(chosen(rng, 0.5, count), decades(rng, -1.5, 0, count), 0.0)


def _ground(rng: Generator, clock: Clock) -> Float64:
    """The quiet between: nothing in a fifth of the streams, else noise with or without a memory."""
    count = clock.shape[1]
    noise = np.where(chosen(rng, 0.5, count), reverting(rng, clock.shape), shocks(rng, clock.shape))
    return noise * np.where(chosen(rng, 0.2, count), 0.0, decades(rng, -1.5, 0, count))
