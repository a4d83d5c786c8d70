"""Seasons: one cycle is a table, read by the local time of day or by any period, with a drifting phase and size."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import DAY_SECONDS, Clock
from models.training.streams.noise import Bool, Float64, Int64, chosen, decades, reverting, shocks, wandering

SLOTS = 240  # of a table: divisible by many shorter periods


def by_calendar(rng: Generator, clock: Clock) -> Float64:
    """A day of any shape, every weekday with its own size and level."""
    return calendar_wave(rng, clock) + _noise(rng, clock)


def by_period(rng: Generator, clock: Clock) -> Float64:
    """A cycle of any shape and of 4 to 400 readings, which may drift."""
    return period_wave(rng, clock) + _noise(rng, clock)


def several(rng: Generator, clock: Clock) -> Float64:
    """Two seasons together: by the calendar with a shorter one, or a cycle within another one."""
    count = clock.shape[1]
    first = np.where(chosen(rng, 0.5, count), calendar_wave(rng, clock), period_wave(rng, clock))
    return first + decades(rng, -0.7, 0.3, count) * period_wave(rng, clock) + _noise(rng, clock)


def calendar_wave(rng: Generator, clock: Clock) -> Float64:
    """The season by the calendar alone, of about unit size. -> (T, N)."""
    count = clock.shape[1]
    day = clock.seconds / DAY_SECONDS
    weekday = (day % 7).astype(np.int64)
    is_weekly = chosen(rng, 0.6, count)
    size, level = _weekdays(rng, is_weekly), 1 - _weekdays(rng, is_weekly & chosen(rng, 0.5, count))
    is_short = clock.interval < DAY_SECONDS  # a stream of daily readings sees the weekdays alone
    wave = cycle(rng, day) * is_short
    streams = np.arange(count)
    tilt = np.where(is_short, 1.0, rng.normal(size=count))
    season: Float64 = wave * size[weekday, streams] + level[weekday, streams] * tilt
    return season


def period_wave(rng: Generator, clock: Clock) -> Float64:
    """The season by a period alone, of about unit size. -> (T, N)."""
    count = clock.shape[1]
    whole = rng.choice([5.0, 6.0, 7.0, 12.0, 24.0, 48.0, 60.0, 96.0, 144.0, 168.0, 288.0], count)
    period = np.where(chosen(rng, 0.4, count), whole, decades(rng, np.log10(4), np.log10(400), count))
    drift = np.where(chosen(rng, 0.5, count), decades(rng, -2, -0.3, count), 0.0)
    return cycle(rng, clock.position / period + wandering(rng, clock.shape, drift) + rng.random(count))


def cycle(rng: Generator, phase: Float64) -> Float64:
    """Read a table of one cycle for each stream at a phase in cycles, smoothly or slot by slot. (T, N) -> (T, N)."""
    count = phase.shape[1]
    table = _table(rng, count)
    at = (phase % 1.0) * SLOTS
    slot = at.astype(np.int64) % SLOTS
    streams = np.arange(count)
    between = (at - slot) * ~chosen(rng, 0.3, count)
    here, there = table[slot, streams], table[(slot + 1) % SLOTS, streams]
    swing = np.where(chosen(rng, 0.3, count), decades(rng, -1.5, -0.2, count), 0.0)
    wave: Float64 = (here + between * (there - here)) * np.exp(wandering(rng, phase.shape, swing))
    return wave


def _table(rng: Generator, count: int) -> Float64:
    """One cycle of each stream: harmonics, duty cycles, peaks, teeth or a random path, unit size. -> (SLOTS, N)."""
    phase = np.arange(SLOTS)[:, None] / SLOTS
    kind = rng.integers(5, size=count)
    shapes = (_harmonics, _duty, _peaks, _tooth, _path)
    table = np.empty((SLOTS, count))
    for number, shape in enumerate(shapes):
        members = np.flatnonzero(kind == number)
        table[:, members] = shape(rng, phase, len(members))
    shift = rng.integers(SLOTS, size=count)
    rows: Int64 = (np.arange(SLOTS)[:, None] + shift) % SLOTS
    rolled = np.take_along_axis(table, rows, axis=0)
    rolled *= rng.choice([-1.0, 1.0], count) / rolled.std(axis=0).clip(0.05)
    return rolled


def _harmonics(rng: Generator, phase: Float64, count: int) -> Float64:
    wave = np.zeros((SLOTS, count))
    for harmonic in range(1, 7):
        weight = rng.normal(size=count) * chosen(rng, 1 / harmonic, count) / harmonic
        wave += weight * np.sin(2 * np.pi * (harmonic * phase + rng.random(count)))
    return wave


def _duty(rng: Generator, phase: Float64, count: int) -> Float64:
    """On for a share of the cycle, with a second, smaller step inside in half of the streams."""
    share = rng.uniform(0.04, 0.9, count)
    inner = share * rng.uniform(0.2, 0.8, count)
    step = np.where(chosen(rng, 0.5, count), rng.normal(size=count), 0.0)
    wave: Float64 = (phase < share) + step * (phase < inner)
    return wave


def _peaks(rng: Generator, phase: Float64, count: int) -> Float64:
    """Up to three peaks, rounded like a bell or sharp."""
    wave = np.zeros((SLOTS, count))
    sharpness = rng.choice([1.0, 2.0], count)
    for _ in range(3):
        distance = np.abs((phase - rng.random(count) + 0.5) % 1 - 0.5) / decades(rng, -2, -0.8, count)
        wave += np.exp(-(distance**sharpness)) * rng.normal(size=count)
    return wave


def _tooth(rng: Generator, phase: Float64, count: int) -> Float64:
    """Up for a share of the cycle and down for the rest, straight or bent."""
    top = rng.uniform(0.01, 0.99, count)
    tooth: Float64 = np.minimum(phase / top, (1 - phase) / (1 - top)).clip(0) ** decades(rng, -0.4, 0.4, count)
    return tooth


def _path(rng: Generator, phase: Float64, count: int) -> Float64:
    """A random walk that comes back, in 8 to 48 steps a cycle."""
    steps = rng.choice([8, 12, 24, 48], count)
    points = np.cumsum(rng.normal(size=(48, count)), axis=0)
    points = np.take_along_axis(points, (phase * steps).astype(np.int64), axis=0)
    path: Float64 = points - phase * points[-1]
    return path


def _weekdays(rng: Generator, is_weekly: Bool) -> Float64:
    """The size of every weekday, Monday first: 1, and less or more at the weekend or on any day. -> (7, N)."""
    count = len(is_weekly)
    weekend = np.where(chosen(rng, 0.7, count), rng.uniform(0, 0.8, count), rng.uniform(1, 1.8, count))
    size = np.ones((7, count))
    size[5:] = weekend
    size[5] = np.where(chosen(rng, 0.3, count), (1 + weekend) / 2, weekend)
    size *= 1 + np.where(chosen(rng, 0.3, count), 0.3, 0.0) * rng.normal(size=(7, count))
    return np.where(is_weekly, size, 1.0)


def _noise(rng: Generator, clock: Clock) -> Float64:
    """What is left beside a season: independent, or with a memory, from nearly nothing to as much as the season."""
    count = clock.shape[1]
    is_plain = chosen(rng, 0.5, count)
    noise = np.empty(clock.shape)
    noise[:, is_plain] = shocks(rng, (clock.shape[0], int(is_plain.sum())))
    noise[:, ~is_plain] = reverting(rng, (clock.shape[0], int((~is_plain).sum())))
    return noise * decades(rng, -2.5, 0.2, count)
