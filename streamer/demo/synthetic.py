"""A synthetic fleet: seeded series of a few shapes, with faults at known times."""

from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

SERIES = 300
FAULT_CHANCE = 1 / 30_000  # of a reading: fewer than the alarms that the budget has
FAULT_SIZES = 20  # standard deviations of the noise


@dataclass(frozen=True, slots=True)
class Fault:
    """A reading that was made wrong."""

    series: str
    tick: int


class Fleet:
    """300 waves with noise, one reading of each a second. Any tick can be made again, alike, from the seed."""

    def __init__(self, start_ns: int, seed: int = 11) -> None:
        self.names = [f"synthetic-{number:03d}" for number in range(SERIES)]
        self.start_ns = start_ns
        self._seed = seed
        rng = np.random.default_rng(seed)
        self._level = rng.uniform(10, 1000, SERIES)
        self._noise = self._level * 10 ** rng.uniform(-3, -1.5, SERIES)
        self._swing = self._noise * rng.uniform(0, 20, SERIES)
        self._period = rng.uniform(60, 600, SERIES)
        self._phase = rng.uniform(0, 2 * np.pi, SERIES)

    def rows(self, tick: int) -> list[bytes]:
        """One JSON object a series."""
        time_ns = self.start_ns + tick * 1_000_000_000
        time = str(np.datetime64(time_ns, "ns")) + "Z"
        pairs = zip(self.names, self.values(tick).tolist(), strict=True)
        return [orjson.dumps({"series": name, "time": time, "value": round(value, 4)}) for name, value in pairs]

    def values(self, tick: int) -> NDArray[np.float64]:
        """-> (SERIES,)."""
        rng = np.random.default_rng((self._seed, tick))
        wave = self._swing * np.sin(2 * np.pi * tick / self._period + self._phase)
        healthy = self._level + wave + self._noise * rng.normal(size=SERIES)
        return healthy + self._is_faulty(rng) * FAULT_SIZES * self._noise

    def faults(self, ticks: int) -> list[Fault]:
        """The faults among the first ticks."""
        found = []
        for tick in range(ticks):
            rng = np.random.default_rng((self._seed, tick))
            rng.normal(size=SERIES)
            found += [Fault(self.names[number], tick) for number in np.flatnonzero(self._is_faulty(rng))]
        return found

    @staticmethod
    def _is_faulty(rng: np.random.Generator) -> NDArray[np.bool_]:
        return rng.random(SERIES) < FAULT_CHANCE
