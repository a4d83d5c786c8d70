"""Residuals of forecasts that say Student's t with five degrees of freedom, and are right or wrong about it."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

FREEDOM = 5.0  # that every forecast claims
SPREAD = (FREEDOM / (FREEDOM - 2)) ** 0.5  # standard deviation of what it claims
ECHOING = "AR(.6)"
SCENARIOS = ("exact", "scale x1.2", "tails t3", ECHOING, "slow volatility")
VOLATILITY, CYCLE = 0.5, 5_000.0  # of the log scale, and readings that it takes to come round


class Residuals:
    """What N series are off by at every reading, or hour, in units of the forecast spread, scenario by scenario."""

    def __init__(self, scenario: str, series: int, rng: Generator, freedom: float = FREEDOM) -> None:
        """``freedom``: degrees of it that every forecast claims."""
        if scenario not in SCENARIOS:
            raise ValueError(f"scenario: Expected one of {SCENARIOS}, got {scenario!r}")
        self._scenario = scenario
        self._freedom = freedom
        self._rng = rng
        self._phase = rng.uniform(0, 2 * np.pi, series)
        self._before = rng.standard_normal(series) * SPREAD
        self._time = 0

    def draw(self) -> Float32:
        """The next of every series. -> (N,)."""
        self._time += 1
        count = len(self._phase)
        drawn = self._rng.standard_t(3.0 if self._scenario == "tails t3" else self._freedom, count)
        if self._scenario == "scale x1.2":
            drawn *= 1.2
        elif self._scenario == ECHOING:
            drawn = self._before = 0.6 * self._before + 0.8 * drawn
        elif self._scenario == "slow volatility":
            drawn *= np.exp(VOLATILITY * np.sin(self._phase + 2 * np.pi * self._time / CYCLE))
        return drawn.astype(np.float32)
