"""What a sensor and its wire do to a stream: outliers, shifts, stuck values, missing readings, a resolution.

A forecaster must live on after an outlier or a shift, but never learn to expect it: that is what it is there to find.
"""

import numpy as np
from numpy.random import Generator

from models.training.streams.noise import Bool, Float64, chosen, decades, held, rare, stretches


def injured(rng: Generator, values: Float64) -> tuple[Float64, Bool]:
    """Outliers, shifts and stuck values, each in a part of the streams. -> values, and which readings may be scored."""
    shape = values.shape[0], values.shape[1]
    size = np.abs(np.diff(values, axis=0)).mean(axis=0) * decades(rng, 0.5, 2, shape[1])
    is_outlier = rare(rng, shape, 0.003) & chosen(rng, 0.2, shape[1])
    is_shift = rare(rng, shape, 0.002) & chosen(rng, 0.2, shape[1])
    blows = size * rng.standard_normal(shape)
    spoilt = values + np.where(is_outlier, blows, 0.0) + np.cumsum(np.where(is_shift, blows, 0.0), axis=0)
    is_stuck = stretches(rng, shape, np.where(chosen(rng, 0.08, shape[1]), 0.002, 0.0), 80)
    at_nothing = is_stuck & chosen(rng, 0.3, shape[1])  # a sensor that is off says zero
    is_released = np.diff(is_stuck, axis=0, prepend=False) & (~is_stuck | at_nothing)
    spoilt = np.where(at_nothing, 0.0, held(spoilt, ~is_stuck))
    return spoilt, ~(is_outlier | is_shift | is_released)


def rounded(rng: Generator, values: Float64, unit: Float64) -> Float64:
    """Keep a third of the streams to multiples of a step, up to their unit. unit: (N,)."""
    count = values.shape[1]
    step = unit * decades(rng, -2.5, 0, count)
    return np.where(chosen(rng, 0.3, count), np.round(values / step) * step, values)


def presence(rng: Generator, shape: tuple[int, int]) -> Bool:
    """Which readings there are: in some streams stretches are missing, in others one here and there. -> (T, N)."""
    count = shape[1]
    in_stretches = stretches(rng, shape, decades(rng, -3, -2, count) * chosen(rng, 0.15, count), 30)
    alone = rare(rng, shape, decades(rng, -2, -0.5, count) * chosen(rng, 0.1, count))
    return ~(in_stretches | alone)
