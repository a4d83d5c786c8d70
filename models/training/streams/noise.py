"""The random parts that all families of streams are made of. T time, N streams; every parameter is drawn per stream."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Shape = tuple[int, int]  # (T, N)


def decades(rng: Generator, low: float, high: float, count: int) -> Float64:
    """Draw uniformly between two powers of ten, in the logarithm. -> (N,)."""
    drawn: Float64 = np.power(10.0, rng.uniform(low, high, count))
    return drawn


def chosen(rng: Generator, share: float, count: int) -> Bool:
    """A random share of the streams. -> (N,)."""
    return rng.random(count) < share


def rare(rng: Generator, shape: Shape, rate: Float64 | float) -> Bool:
    """Events of a rate per reading, in any stream or with one rate for each. -> (T, N)."""
    return rng.random(shape, dtype=np.float32) < rate


def shocks(rng: Generator, shape: Shape) -> Float64:
    """Independent noise of mean 0 and unit spread: normal, of heavy tails, or skewed like a latency."""
    kind = rng.random(shape[1])
    noise = rng.standard_normal(shape)
    is_heavy = kind < 0.4
    freedom = rng.uniform(2.5, 10, int(is_heavy.sum()))
    noise[:, is_heavy] = rng.standard_t(freedom, (shape[0], len(freedom))) * np.sqrt((freedom - 2) / freedom)
    is_skewed = kind > 0.92
    noise[:, is_skewed] = rng.standard_exponential((shape[0], int(is_skewed.sum()))) - 1
    return noise


def filtered(noise: Float64, pole: Float64) -> Float64:
    """``y_t = pole y_{t-1} + noise_t`` along time. pole: (N,)."""
    out = np.empty_like(noise)
    value = np.zeros(noise.shape[1])
    for t, shock in enumerate(noise):
        value = pole * value + shock
        out[t] = value
    return out


def reverting(rng: Generator, shape: Shape, fastest: float = -0.02, slowest: float = -3.0) -> Float64:
    """A first order autoregression of unit spread; its rate of return is drawn between these powers of ten."""
    pole = 1 - decades(rng, slowest, fastest, shape[1])
    noise = shocks(rng, shape) * np.sqrt(1 - pole**2)
    noise[0] = rng.standard_normal(shape[1])
    return filtered(noise, pole)


def wandering(rng: Generator, shape: Shape, size: Float64 | float) -> Float64:
    """A random walk that has gone about ``size`` at the end."""
    walk: Float64 = np.cumsum(rng.standard_normal(shape), axis=0)
    walk *= size / np.sqrt(shape[0])
    return walk


def stretches(rng: Generator, shape: Shape, rate: Float64 | float, longest: int) -> Bool:
    """Stretches of time that begin at a rate and last up to ``longest`` readings. -> (T, N)."""
    length, count = shape
    start, stream = np.nonzero(rare(rng, shape, rate))
    stop = np.minimum(start + rng.integers(1, longest + 1, len(start)), length)
    edges = np.zeros((length + 1, count), dtype=np.int64)
    np.add.at(edges, (start, stream), 1)
    np.add.at(edges, (stop, stream), -1)
    inside: Bool = np.cumsum(edges[:-1], axis=0) > 0
    return inside


def at_least_once(rng: Generator, is_event: Bool) -> Bool:
    """Add one event to each stream, at any time after the first reading. (T, N) -> (T, N)."""
    length, count = is_event.shape
    out = is_event.copy()
    out[rng.integers(1, length, count), np.arange(count)] = True
    return out


def held(values: Float64, is_new: Bool) -> Float64:
    """Sample and hold: the value at the latest reading that is new. (T, N) each."""
    times = np.arange(len(values))[:, None]
    latest = np.maximum.accumulate(np.where(is_new, times, 0), axis=0)
    return np.take_along_axis(values, latest, axis=0)


def turns(phase: Float64) -> Bool:
    """The readings at which a phase in cycles enters a new cycle. (T, N) each."""
    cycle = np.floor(phase)
    is_new: Bool = np.diff(cycle, axis=0, prepend=cycle[:1]) != 0
    return is_new
