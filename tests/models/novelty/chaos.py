"""A chaotic series: what a nonlinear forecast can learn, and a linear one cannot."""

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
STEP = 0.005
LEAD = 500  # readings until it is where it will always be


def lorenz(readings: int, rows: int, seed: int = 0) -> Float64:
    """The third coordinate of Lorenz (1963), from as many beginnings. -> (T, B)."""
    x, y, z = np.random.default_rng(seed).normal([[1], [1], [25]], size=(3, rows))
    out = []
    for _ in range(LEAD + readings):
        x, y, z = x + STEP * 10 * (y - x), y + STEP * (x * (28 - z) - y), z + STEP * (x * y - 8 / 3 * z)
        out.append(z)
    return np.array(out)[LEAD:]
