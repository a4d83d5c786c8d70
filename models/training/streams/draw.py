"""The one call that draws streams: processes of many families, in units, with gaps and flaws."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from models.training.streams import flaws, mixing
from models.training.streams.clock import DAY_SECONDS, WEEK_SECONDS, draw_clock
from models.training.streams.noise import Bool, Float64, decades

WARM_UP = 64  # readings before the first: memories fill, and lags reach back


@dataclass(frozen=True, slots=True)
class Streams:
    """A batch of series to train on. T time, N series, C channels."""

    values: Float64  # (T, N, C), finite where absent too
    present: Bool  # (T, N, C)
    scored: Bool  # (T, N, C) False where absent or injured: the loss must not learn to expect a flaw
    elapsed_seconds: Float64  # (T, N) NaN at the first reading
    calendar: Float64  # (T, N, 2) phases of the day and the week in local time, in [0, 1)


def draw(rng: Generator, length: int, count: int, channels: int = 1) -> Streams:
    """Draw ``count`` series of ``length`` readings; their channels share a clock, and most a factor.

    Nothing is scaled by what comes later in a way that an input could show: a unit and a level, drawn at random, hide
    it. Hundreds of series at once take a microsecond a reading or less, few at once more: time is a loop.
    """
    clock = draw_clock(rng, length + WARM_UP, count)
    every = clock.of(np.arange(count).repeat(channels))
    values, scored = mixing.mixed(rng, every)
    if channels > 1:
        values = mixing.coupled(rng, values, mixing.mixed(rng, clock)[0], channels)
    values = mixing.trending(rng, every, mixing.warped(rng, values))[WARM_UP:]
    unit = decades(rng, -4, 6, count * channels)
    level = rng.choice([0.0, 1.0, 10.0, 100.0, 1000.0], len(unit)) * rng.standard_normal(len(unit))
    values, unhurt = flaws.injured(rng, (values + level) * unit)
    values = flaws.rounded(rng, values, unit)
    present = flaws.presence(rng, (length, count * channels))
    seconds = clock.seconds[WARM_UP:]
    shape = (length, count, channels)
    return Streams(
        values=values.reshape(shape),
        present=present.reshape(shape),
        scored=(scored[WARM_UP:] & unhurt & present).reshape(shape),
        elapsed_seconds=np.concatenate((np.full((1, count), np.nan), np.diff(seconds, axis=0))),
        calendar=np.stack((seconds / DAY_SECONDS % 1.0, seconds / WEEK_SECONDS % 1.0), -1),
    )
