"""Walks and markets: steps that nobody can foresee, whose size is a slow process of its own."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import Float64, chosen, decades, filtered, rare, reverting, shocks


def walk(rng: Generator, clock: Clock) -> Float64:
    """A random walk, whose steps grow over gaps in half of the streams, with noise of the instrument in a third."""
    count = clock.shape[1]
    measured = np.where(chosen(rng, 0.3, count), decades(rng, -1, 0.5, count), 0.0)
    path: Float64 = np.cumsum(_over_gaps(rng, clock, shocks(rng, clock.shape)), axis=0)
    return path + measured * rng.standard_normal(clock.shape)


def price(rng: Generator, clock: Clock) -> Float64:
    """A price: a walk whose steps have a slowly varying size, and jumps; in proportion to the price in half."""
    moves = _over_gaps(rng, clock, _moves(rng, clock))
    path: Float64 = np.cumsum(moves, axis=0)
    grown = np.expm1((path * decades(rng, -3, -1.5, clock.shape[1])).clip(-12, 12))
    return np.where(chosen(rng, 0.5, clock.shape[1]), grown, path)


def returns(rng: Generator, clock: Clock) -> Float64:
    """The steps of a price themselves: no forecast but of their size."""
    return _moves(rng, clock)


def volatility(rng: Generator, clock: Clock) -> Float64:
    """A volatility index: the exponential of a slow return to the mean, with jumps upwards that die away."""
    count = clock.shape[1]
    jumps = rare(rng, clock.shape, decades(rng, -2.5, -1.5, count)) * rng.exponential(1, clock.shape)
    fear = filtered(jumps, 1 - decades(rng, -2, -0.7, count))
    calm = reverting(rng, clock.shape, -1, -2.7) * decades(rng, -0.8, 0, count)
    level: Float64 = np.exp((calm + fear * rng.uniform(0, 1, count)).clip(-6, 6))
    return level


def trend(rng: Generator, clock: Clock) -> Float64:
    """A local trend: the slope returns to its mean or wanders, with noise around the line."""
    count = clock.shape[1]
    slope = reverting(rng, clock.shape, -1, -3.5) + np.where(chosen(rng, 0.3, count), rng.normal(size=count), 0.0)
    line: Float64 = np.cumsum(slope * clock.steps.clip(0, 100), axis=0)
    line += shocks(rng, clock.shape) * decades(rng, -1, 1.3, count)
    return line


def _moves(rng: Generator, clock: Clock) -> Float64:
    count = clock.shape[1]
    log_size = reverting(rng, clock.shape, -1, -2.5) * rng.uniform(0, 1.2, count)
    moves: Float64 = shocks(rng, clock.shape) * np.exp(log_size.clip(-5, 5))
    jump = rare(rng, clock.shape, 0.003) & chosen(rng, 0.3, count)
    return moves + np.where(jump, 6.0, 0.0) * rng.standard_normal(clock.shape)


def _over_gaps(rng: Generator, clock: Clock, moves: Float64) -> Float64:
    """Let a step be as large as the root of its time asks, in half of the streams."""
    grows = chosen(rng, 0.5, clock.shape[1])
    return moves * np.where(grows, np.sqrt(clock.steps.clip(0, 1e4)), 1.0)
