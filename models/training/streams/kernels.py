"""Kernel mixtures: Gaussian processes by random Fourier features (Rahimi and Recht, 2007).

A sum of waves whose frequencies are drawn from a kernel's spectrum is a draw from its Gaussian process; a sum of two
independent frequencies is the product of their kernels. So periodic + smooth is locally periodic, for nothing.
"""

import numpy as np
from numpy.random import Generator

from models.training.streams.clock import Clock
from models.training.streams.noise import Float64, chosen, decades, shocks

FEATURES = 20  # waves of one kernel


def mixture(rng: Generator, clock: Clock) -> Float64:
    """Two kernels together, with a straight line in a fifth of the streams, and noise."""
    count = clock.shape[1]
    position = clock.position
    line = np.where(chosen(rng, 0.2, count), rng.normal(size=count), 0.0) * position / clock.shape[0]
    second = np.where(chosen(rng, 0.6, count), decades(rng, -1, 0, count), 0.0)
    path: Float64 = _process(rng, position) + second * _process(rng, position) + line
    return path + decades(rng, -3, 0, count) * shocks(rng, clock.shape)


def _process(rng: Generator, position: Float64) -> Float64:
    """Of unit spread: smooth, rough, periodic or locally periodic. position: (T, N) readings -> (T, N)."""
    count = position.shape[1]
    is_periodic = chosen(rng, 0.5, count)
    breadth = 1 / decades(rng, 0.4, 3, count)  # one over the length scale, in readings
    breadth = np.where(is_periodic & chosen(rng, 0.5, count), 0.0, breadth / (1 + 9 * is_periodic))
    is_rough = chosen(rng, 0.5, count)
    fundamental = 2 * np.pi * is_periodic / decades(rng, 0.7, 2.6, count)
    share = rng.uniform(0.3, 0.9, count)  # how fast the harmonics fade
    path: Float64 = np.zeros(position.shape)
    for _ in range(FEATURES):
        spread = np.where(is_rough, rng.standard_t(1.5, count), rng.standard_normal(count)).clip(-40, 40)
        harmonic = np.minimum(rng.geometric(share), 8)
        angle = (harmonic * fundamental + breadth * spread) * position
        path += rng.standard_normal(count) * np.cos(angle + rng.uniform(0, 2 * np.pi, count))
    path *= np.sqrt(2 / FEATURES)
    return path
