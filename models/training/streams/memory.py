"""Linear memory: ARMA processes of many orders, oscillating ones too, tanks, and noise with memory at every scale."""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import Float64, chosen, decades, filtered, reverting, shocks

PAIRS, ECHOES = 4, 4  # most pairs of poles, most terms of the moving average


def arma(rng: Generator, clock: Clock) -> Float64:
    """Autoregression of order 2 to 8 with real or complex poles, on a moving average of order up to 4."""
    length, count = clock.shape
    noise = shocks(rng, (length + ECHOES, count))
    driven = noise[ECHOES:].copy()
    order = rng.integers(ECHOES + 1, size=count)
    for lag in range(1, ECHOES + 1):
        driven += noise[ECHOES - lag : -lag] * rng.normal(0, 0.6, count) * (lag <= order)
    return _autoregressed(driven, _weights(rng, count)) + _measurement(rng, clock)


def mean_reverting(rng: Generator, clock: Clock) -> Float64:
    """The plainest memory, with a level that may move too."""
    count = clock.shape[1]
    level = reverting(rng, clock.shape, -2.5, -4) * np.where(chosen(rng, 0.4, count), decades(rng, -0.5, 1, count), 0)
    return reverting(rng, clock.shape) + level


def tank(rng: Generator, clock: Clock) -> Float64:
    """Twice filtered: the difference is itself persistent, like a tank that fills."""
    count = clock.shape[1]
    speed = reverting(rng, clock.shape, -0.3, -2)
    return filtered(speed, 1 - decades(rng, -4, -1, count)) + _measurement(rng, clock)


def every_scale(rng: Generator, clock: Clock) -> Float64:
    """Memories of four lengths together, like the noise of a machine: near 1/f."""
    count = clock.shape[1]
    total = shocks(rng, clock.shape) * rng.uniform(0, 1, count)
    for slowest in (-1.0, -2.0, -3.0):
        total += reverting(rng, clock.shape, slowest + 0.7, slowest) * decades(rng, -0.5, 0.5, count)
    return total


def _weights(rng: Generator, count: int) -> Float64:
    """The autoregression's weights from its poles, all inside the unit circle. -> (2 PAIRS, N), lag 1 first."""
    polynomial = np.zeros((2 * PAIRS + 1, count))
    polynomial[0] = 1.0
    pairs = rng.integers(1, PAIRS + 1, count)
    for pair in range(PAIRS):
        radius, other = 1 - decades(rng, -2.5, -0.05, count), rng.uniform(-0.9, 0.9, count)
        is_complex = chosen(rng, 0.5, count)
        turn = np.where(chosen(rng, 0.5, count), decades(rng, -2, 0, count), rng.random(count)) * np.pi
        total = np.where(is_complex, 2 * radius * np.cos(turn), radius + other) * (pair < pairs)
        product = np.where(is_complex, radius**2, radius * other) * (pair < pairs)
        longer = polynomial.copy()
        longer[1:] -= total * polynomial[:-1]
        longer[2:] += product * polynomial[:-2]
        polynomial = longer
    return -polynomial[1:]


def _autoregressed(driven: Float64, weights: Float64) -> Float64:
    """``y_t = driven_t + sum_k weights_k y_{t-k}``. driven: (T, N), weights: (K, N) -> (T, N)."""
    order = len(weights)
    out = np.zeros((len(driven) + order, driven.shape[1]))
    latest_last = weights[::-1]
    for t, shock in enumerate(driven):
        out[t + order] = shock + np.einsum("kn,kn->n", latest_last, out[t : t + order])
    return out[order:]


def _measurement(rng: Generator, clock: Clock) -> Float64:
    """Noise of the instrument: none in half of the streams."""
    count = clock.shape[1]
    size = np.where(chosen(rng, 0.5, count), decades(rng, -2, 0, count), 0.0)
    return size * rng.standard_normal(clock.shape)
