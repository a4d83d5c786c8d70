"""Counts: events in an interval, demand that is mostly nothing, and counters that only grow until they restart."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import Float64, at_least_once, chosen, decades, rare, reverting, turns, wandering
from models.training.streams.seasons import calendar_wave, period_wave


def events(rng: Generator, clock: Clock) -> Float64:
    """Poisson counts, or counts of more spread than that, of a rate with seasons and a memory."""
    count = clock.shape[1]
    rate = _rate(rng, clock) * decades(rng, -0.7, 3, count)
    spread = np.where(chosen(rng, 0.4, count), decades(rng, -1, 1, count), 0.0)
    is_wide = np.flatnonzero(spread)
    shape = 1 / spread[is_wide]
    rate[:, is_wide] *= rng.gamma(shape, 1 / shape, (clock.shape[0], len(is_wide)))
    return rng.poisson(rate).astype(np.float64)


def intermittent(rng: Generator, clock: Clock) -> Float64:
    """Mostly nothing; then an amount, at any time or nearly by the clock."""
    count = clock.shape[1]
    pause = decades(rng, 0.3, 1.7, count)
    at_random = rare(rng, clock.shape, _rate(rng, clock) / pause)
    drift = wandering(rng, clock.shape, decades(rng, -2, 0, count))
    by_clock = turns(clock.position / pause + drift + rng.random(count))
    is_on = at_least_once(rng, np.where(chosen(rng, 0.6, count), at_random, by_clock))
    amount = np.exp(rng.standard_normal(clock.shape) * rng.choice([0.0, 0.3, 1.0], count)) * decades(rng, 0, 2, count)
    return np.where(is_on, np.where(chosen(rng, 0.5, count), np.ceil(amount), amount), 0.0)


def counter(rng: Generator, clock: Clock) -> Float64:
    """The sum of all events so far, which starts again at nothing when its process does."""
    count = clock.shape[1]
    grown = np.cumsum(rng.poisson(_rate(rng, clock) * decades(rng, -1, 3, count)), axis=0).astype(np.float64)
    restarts = rare(rng, clock.shape, decades(rng, -4, -2.3, count))
    return grown - np.maximum.accumulate(np.where(restarts, grown, 0.0), axis=0)


def _rate(rng: Generator, clock: Clock) -> Float64:
    """Around one: by the calendar, by a period or by neither, and a slow memory. -> (T, N), positive."""
    count = clock.shape[1]
    kind = rng.integers(3, size=count)
    wave = np.zeros(clock.shape)
    for number, season in enumerate((calendar_wave, period_wave)):
        members = np.flatnonzero(kind == number)
        wave[:, members] = season(rng, clock.of(members))
    slow = reverting(rng, clock.shape, -1, -3) * rng.uniform(0, 0.5, count)
    rate: Float64 = np.exp((wave * rng.uniform(0.2, 1.2, count) + slow).clip(-4, 2.5))
    return rate
