"""Faults of one channel of a machine, made in readings that were sound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from explanations.machines import Machines


class Part(NamedTuple):
    """The channels at fault of B machines, while they are."""

    before: Tensor  # (B,) the last sound value
    sound: Tensor  # (T, B) what they would have said
    deviation: Tensor  # (B,) their standard deviations
    foreign: Tensor  # (T, B) what the same channel of another machine says, in their units


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one channel of every machine, and for how many readings."""

    kind: str
    size: str
    readings: int
    spoil: Callable[[Part], Tensor]  # -> (T, B)

    def made_in(self, machines: Machines, start: int, channel: Tensor) -> Tensor:
        """The readings from ``start`` on, with the fault. channel: (B,) int64, at fault -> (readings, B, C)."""
        stop = start + self.readings
        spoilt, rows = machines.values[start:stop].clone(), torch.arange(len(channel))
        before = machines.values[start - 1, rows, channel]
        sound, deviation, level = spoilt[:, rows, channel], machines.deviation, machines.level
        other = rows.roll(1)  # the same channel of the next machine, in this one's unit
        foreign = (machines.values[start:stop, other, channel] - level[other, channel]) / deviation[other, channel]
        foreign = level[rows, channel] + deviation[rows, channel] * foreign
        spoilt[:, rows, channel] = self.spoil(Part(before, sound, deviation[rows, channel], foreign))
        return spoilt


def spike(size: float) -> Fault:
    """One reading that is so many standard deviations off."""
    return Fault("spike", f"{size:g} sd", 1, lambda part: part.sound + size * part.deviation)


def shift(size: float, readings: int = 60) -> Fault:
    """A channel that is so many standard deviations higher from one reading to the next."""
    return Fault("shift", f"{size:g} sd", readings, lambda part: part.sound + size * part.deviation)


def ramp(size: float, readings: int = 24) -> Fault:
    """A channel that drifts away by so many standard deviations."""
    share = torch.arange(1, readings + 1, dtype=torch.float64).unsqueeze(1) / readings
    return Fault("ramp", f"{size:g} sd", readings, lambda part: part.sound + size * part.deviation * share)


def wider(ratio: float, readings: int = 60) -> Fault:
    """A channel whose noise grows: white noise of so many standard deviations comes on top."""

    def spoil(part: Part) -> Tensor:
        noise = torch.randn(part.sound.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return part.sound + ratio * part.deviation * noise

    return Fault("noise", f"{ratio:g} sd", readings, spoil)


def stuck(readings: int) -> Fault:
    """A channel that says its last value again and again."""
    return Fault("stuck", f"{readings} readings", readings, lambda part: part.before.expand(readings, -1))


def swapped(readings: int = 60) -> Fault:
    """A channel that says what the same channel of another machine says, in its own unit."""
    return Fault("swapped", f"{readings} readings", readings, lambda part: part.foreign)


FAULTS = (
    *(spike(size) for size in (0.3, 0.6, 1.0, 2.0, 4.0)),
    *(stuck(readings) for readings in (30, 60)),
    swapped(),
    *(shift(size) for size in (1.0, 1.5, 3.0)),
    *(ramp(size) for size in (1.0, 3.0)),
    wider(1.0),
)
