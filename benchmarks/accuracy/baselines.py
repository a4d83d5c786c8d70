"""Scores of next to no model, beside which every other has to stand: clocks, levels, and a smoothed residual."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from accuracy.data import Float64
from accuracy.nab_scoring import blind_clock

FORGETTING = 1 / 32  # of the level and the size of what an EWMA leaves
SMOOTHING = 1 / 16
TINY = 1e-9

Score = Callable[[Float64], Float64]
"""From the values of a file to a score for each reading, by what came before. (T, C) -> (T,)."""


def clock(values: Float64) -> Float64:
    """The number of the reading: looks at no data, and is right where events come late."""
    return np.arange(float(len(values)))


def alarms_by_the_clock(values: Float64) -> Float64:
    """NAB's blind clock."""
    return blind_clock(len(values))


def level_z(values: Float64) -> Float64:
    """How many standard deviations from the mean of all before, the mean over channels."""
    moved = values - values[0]
    count = np.arange(1, len(values))[:, None]
    mean, power = (_before(np.cumsum(moments, axis=0)[:-1] / count) for moments in (moved, moved**2))
    deviation = np.sqrt((power - mean**2).clip(0))
    return _mean(np.where(deviation > TINY, np.abs(moved - mean) / deviation.clip(TINY), 0))


def beyond_record(values: Float64) -> Float64:
    """How far beyond all before, in units of the range so far, the mean over channels."""
    high, low = (_before(extreme.accumulate(values[:-1]), values[:1]) for extreme in (np.maximum, np.minimum))
    excess = np.maximum(values - high, low - values).clip(0)
    return _mean(np.where(high > low, excess / (high - low).clip(TINY), 0))


def ewma_residual(values: Float64) -> Float64:
    """What an EWMA leaves, in units of its running size, smoothed, the mean over channels."""
    moved = values - values[0]
    residual = np.abs(moved - _before(smoothed(moved, FORGETTING)[:-1]))
    size = _before(smoothed(residual, FORGETTING)[:-1])
    return smoothed(_mean(np.where(size > TINY, residual / size.clip(TINY), 0)), SMOOTHING)


def smoothed(values: Float64, part: float) -> Float64:
    """The running mean that takes this part from each reading, from 0. (T, ...)."""
    mean: Float64 = lfilter([part], [1, part - 1], values, axis=0)
    return mean


def _mean(of_channels: Float64) -> Float64:
    """(T, C) -> (T,)."""
    mean: Float64 = of_channels.mean(1)
    return mean


def _before(later: Float64, first: NDArray[np.float64] | float = 0.0) -> Float64:
    """What was known before each reading: nothing before the first. (T - 1, C) -> (T, C)."""
    return np.concatenate((np.broadcast_to(first, (1, later.shape[1])), later))


BASELINES: dict[str, Score] = {
    "clock": clock,
    "blind clock of NAB": alarms_by_the_clock,
    "z of the level": level_z,
    "level beyond its record": beyond_record,
    "EWMA residual, smoothed": ewma_residual,
}
