"""The prior: which families of streams there are, and how often each is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from models.training.streams import bursts, counts, kernels, markets, memory, regimes, seasons
from models.training.streams.clock import Clock
from models.training.streams.noise import Float64

Make = Callable[[Generator, Clock], Float64]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of process: (T, N) values without a unit, of any level."""

    name: str
    share: float  # of the streams
    make: Make


def _families(share: float, *makes: Make) -> tuple[Family, ...]:
    """Families of one kind, which have its share of the streams in equal parts."""
    return tuple(Family(make.__name__, share / len(makes), make) for make in makes)


FAMILIES: tuple[Family, ...] = (
    *_families(0.30, seasons.by_calendar, seasons.by_period, seasons.several),
    *_families(0.14, memory.arma, memory.mean_reverting, memory.tank, memory.every_scale),
    *_families(0.14, markets.walk, markets.price, markets.returns, markets.volatility, markets.trend),
    *_families(0.14, kernels.mixture),
    *_families(0.10, regimes.switching, regimes.telegraph, regimes.shifting, regimes.nearly_flat, regimes.saturated),
    *_families(0.10, counts.events, counts.intermittent, counts.counter),
    *_families(0.08, bursts.pulses, bursts.jobs, bursts.stores),
)


def draw_values(rng: Generator, clock: Clock) -> Float64:
    """A family for every stream, by its share. -> (T, N)."""
    values = np.empty(clock.shape)
    family = rng.choice(len(FAMILIES), clock.shape[1], p=[family.share for family in FAMILIES])
    for number, kind in enumerate(FAMILIES):
        members = np.flatnonzero(family == number)
        values[:, members] = kind.make(rng, clock.of(members))
    return values
