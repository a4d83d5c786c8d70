"""What is tried on a fleet: how often it calls though nothing is the matter, and how soon it finds what is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from calibration.fleet import Change, Fleet, Size
from calibration.residuals import SPREAD
from models.alarm import KINDS
from models.calibration.budget import Budget
from models.calibration.pool import HALF_LIFE_EPOCHS

TRIES = 10  # each on a hundredth of the series: more at once would be an incident of the whole
WITHIN = 40  # readings, in which a change is to be found
LASTS = 60  # readings, of a change


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of the residuals of a series, in standard deviations of what its forecasts claim."""

    shift: float = 0.0
    scale: float = 1.0
    is_stuck: bool = False

    def of(self, where: np.ndarray) -> Change:
        """The same, of these series. where: (N,) bool."""
        return Change(where, self.shift * SPREAD, self.scale, self.is_stuck)


SHIFT = Fault(shift=1.5)
FAULTS = {
    "shift of +1.5 sd": SHIFT,
    "shift of -1 sd": Fault(shift=-1.0),
    "spread x3": Fault(scale=3.0),
    "spread x0.2": Fault(scale=0.2),
    "stuck": Fault(is_stuck=True),
}


@dataclass(frozen=True, slots=True)
class Calls:
    """How often alarms opened where nothing was the matter."""

    readings: int
    opened: tuple[int, ...]  # by kind

    @property
    def rate(self) -> float:
        """Alarms a reading."""
        return sum(self.opened) / self.readings


def settled(scenario: str, size: Size, budget: Budget, seed: int) -> tuple[Fleet, float]:
    """A fleet after its burn-in, and the alarms a reading until then."""
    fleet = Fleet(size, scenario, budget, seed)
    turns = -(-size.burn_in // size.series)
    return fleet, sum(_counts(fleet, turns)) / (turns * size.rows)


def calls(fleet: Fleet, expected: float) -> Calls:
    """Go on until so many alarms are expected."""
    size, budget = fleet.size, fleet.pool.budget
    turns = -(-int(expected * budget.readings_per_alarm) // size.rows)
    return Calls(turns * size.rows, _counts(fleet, turns))


def found(settled_fleet: Fleet, fault: Fault) -> tuple[float, float]:
    """Put a fault on some of the series. -> the share found within `WITHIN`, and the median delay of all."""
    delays = []
    for where in _some(settled_fleet):
        fleet, first = settled_fleet.copy(), torch.full((len(where),), torch.inf)
        for turn in range(1, LASTS + 1):
            _, is_open = fleet.turn(fault.of(where))
            first = torch.where(is_open.any(1) & first.isinf(), float(turn), first)
        delays.append(first[torch.from_numpy(where)])
    delay = torch.cat(delays)
    return float((delay <= WITHIN).float().mean()), float(delay.median())


def spiked(fleet: Fleet, sds: float) -> float:
    """Put one reading of so many standard deviations on some of the series. -> the share that is found."""
    found = [fleet.copy().turn(Change(where, shift=sds * SPREAD))[1][torch.from_numpy(where)] for where in _some(fleet)]
    return float(torch.cat(found).any(1).float().mean())


def after_incident(fleet: Fleet) -> list[tuple[str, float, float, float]]:
    """Break a fifth of the series for an hour of a reading a minute: lines and recall before, after, and later."""
    fleet = fleet.copy()
    told = [_state("before it", fleet)]
    broken = Change(np.arange(fleet.size.rows) % 5 == 0, shift=8 * SPREAD, scale=3.0)
    for _ in range(60):
        fleet.turn(broken)
    told.append(_state("at its end", fleet))
    for _ in range(HALF_LIFE_EPOCHS * fleet.size.epoch_readings // fleet.size.series):
        fleet.turn()
    told.append(_state("a half-life later", fleet))
    return told


def _state(when: str, fleet: Fleet) -> tuple[str, float, float, float]:
    spike, change = fleet.pool.lines.mean(0).tolist()
    return when, spike, change, found(fleet, SHIFT)[0]


def _some(fleet: Fleet) -> Iterator[np.ndarray]:
    """A hundredth of the series, and as many others, `TRIES` times. -> (N,) bool."""
    number = np.random.default_rng(0).permutation(fleet.size.rows)
    for turn in range(TRIES):
        yield number % 100 == turn


def _counts(fleet: Fleet, turns: int) -> tuple[int, ...]:
    opened = torch.zeros(len(KINDS), dtype=torch.int64)
    for _ in range(turns):
        opened += fleet.turn()[0].sum(0)
    return tuple(opened.tolist())
