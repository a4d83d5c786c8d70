"""The synthetic streams of the shipped weights as tasks: to be forecast, or to have their gaps filled in."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

from models.training.streams import draw

GAP, EVERY = 8, 24  # steps: the length of a gap, and from one to the next
LARGEST = 5.0  # of what is shown and asked for, in scales


@dataclass(frozen=True, slots=True)
class Values:
    """Streams without a unit: each has the mean size of its differences, or its spread, for a scale."""

    values: Tensor  # (T, N)

    @staticmethod
    def drawn(seed: int, length: int, count: int) -> "Values":
        """Draw streams of one channel."""
        drawn = draw(np.random.default_rng(seed), length, count).values[..., 0]
        return Values(torch.from_numpy(drawn))

    def differences(self) -> Tensor:
        """Steps in multiples of their mean size, bounded. -> (T - 1, N) float32."""
        difference = self.values.diff(dim=0)
        scale = difference.abs().mean(0).clamp_min(1e-12 * self.values.abs().amax(0).clamp_min(1e-12))
        return (difference / scale).clamp(-LARGEST, LARGEST).float()

    def standard(self) -> Tensor:
        """Distances from the mean in standard deviations, bounded. -> (T, N) float32."""
        spread = self.values.std(0).clamp_min(1e-12 * self.values.abs().amax(0).clamp_min(1e-12))
        return ((self.values - self.values.mean(0)) / spread).clamp(-LARGEST, LARGEST).float()


class OfPool:
    """What both tasks have in common: a pool of sequences, answers (T, N, 1) and where they count (T, N, 1)."""

    inputs: ClassVar[int]
    outputs: ClassVar[int] = 1

    def __init__(self, x: Tensor, target: Tensor, weight: Tensor, guess: Tensor) -> None:
        self.x, self.target = x, torch.cat((target, weight), -1)
        self.baseline = float(self.loss(guess, self.target))

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x: (T, B, F), target: (T, B, 2) answer and weight."""
        chosen = torch.randint(0, self.x.shape[1], (rows,), generator=generator)
        return self.x[:, chosen], self.target[:, chosen]

    @staticmethod
    def loss(output: Tensor, target: Tensor) -> Tensor:
        """Absolute error, where it counts."""
        answer, weight = target.chunk(2, dim=-1)
        return ((output - answer).abs() * weight).sum() / weight.sum()


class Forecast(OfPool):
    """Says how far the next value lies from the newest; the baseline is the last value."""

    inputs = 1

    def __init__(self, streams: Values) -> None:
        step = streams.differences().unsqueeze(-1)
        super().__init__(step[:-1], step[1:], torch.ones_like(step[1:]), torch.zeros_like(step[1:]))


class Filling(OfPool):
    """Says what stands in gaps of `GAP` steps; the baseline is the last value before, as with no look ahead."""

    inputs = 2  # the value, 0 in a gap, and whether it is one

    def __init__(self, streams: Values) -> None:
        value = streams.standard().unsqueeze(-1)
        place = torch.arange(len(value)) % EVERY
        hidden = (place >= EVERY - GAP).view(-1, 1, 1).expand_as(value)
        shown = torch.where(hidden, 0.0, value)
        held = value[torch.arange(len(value)) - (place - (EVERY - GAP - 1)).clamp_min(0)]
        super().__init__(torch.cat((shown, hidden.float()), -1), value, hidden.float(), held)
