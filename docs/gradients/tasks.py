"""The tasks that ask a memory for something, each drawn afresh from a generator."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional


class Task(Protocol):
    """Sequences, what is to be said of them, and how wrong an answer is."""

    @property
    def inputs(self) -> int:
        """F, of one step."""

    @property
    def outputs(self) -> int:
        """O, of one step."""

    @property
    def baseline(self) -> float:
        """The loss of the best answer that remembers nothing."""

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x: (T, B, F), target."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output: (T, B, O) -> scalar, a mean."""


@dataclass(frozen=True, slots=True)
class Adding:
    """Adds the two marked ones of ``lag`` numbers, a mark in each half, Hochreiter & Schmidhuber 1997."""

    lag: int
    inputs: int = 2
    outputs: int = 1
    baseline: float = 1 / 6  # the variance of a sum of two uniform numbers

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x: (T, B, 2) number and mark, target: (B,)."""
        number = torch.rand(self.lag, rows, generator=generator)
        middle = self.lag // 2
        first = torch.randint(0, middle, (rows,), generator=generator)
        second = torch.randint(middle, self.lag, (rows,), generator=generator)
        mark = torch.zeros(self.lag, rows)
        mark[first, torch.arange(rows)] = 1
        mark[second, torch.arange(rows)] = 1
        return torch.stack((number, mark), -1), (number * mark).sum(0)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Squared error of the last answer."""
        return functional.mse_loss(output[-1].squeeze(-1), target)


@dataclass(frozen=True, slots=True)
class Copying:
    """Says ``symbols`` letters again that came ``lag`` steps before, Hochreiter & Schmidhuber 1997; blanks between."""

    lag: int
    symbols: int = 1
    letters: int = 4

    @property
    def inputs(self) -> int:
        """The letters, the blank, and the sign that asks for them."""
        return self.letters + 2

    @property
    def outputs(self) -> int:
        """The letters."""
        return self.letters

    @property
    def baseline(self) -> float:
        """Guessing, nats a letter."""
        return math.log(self.letters)

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x: (T, B, F) one-hot, target: (S, B) letters."""
        letter = torch.randint(0, self.letters, (self.symbols, rows), generator=generator)
        x = torch.full((self.lag + self.symbols, rows), self.letters)
        x[: self.symbols] = letter
        x[self.lag] = self.letters + 1
        return functional.one_hot(x, self.inputs).float(), letter

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of the last answers."""
        return functional.cross_entropy(output[-self.symbols :].flatten(0, 1), target.flatten())


class EveryStep:
    """What tasks have in common whose target has an answer for every step, (T, B, O)."""

    @staticmethod
    def loss(output: Tensor, target: Tensor) -> Tensor:
        """Squared error."""
        return functional.mse_loss(output, target)


@dataclass(frozen=True, slots=True)
class Echo(EveryStep):
    """Says white noise again that came ``lag`` steps before: nothing between helps."""

    lag: int
    length: int
    inputs: int = 1
    outputs: int = 1

    @property
    def baseline(self) -> float:
        """The variance of the noise; the first answers are zero."""
        return 1 - self.lag / self.length

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x, target: (T, B, 1)."""
        noise = torch.randn(self.length, rows, 1, generator=generator)
        return noise, torch.cat((torch.zeros(self.lag, rows, 1), noise[: self.length - self.lag]))


@dataclass(frozen=True, slots=True)
class Waves(EveryStep):
    """Forecasts two waves in noise one step ahead: of 24 steps and of 7, each row in phases of its own."""

    length: int
    inputs: int = 1
    outputs: int = 1
    baseline: float = 0.715  # the variance of the waves, 1/2 + 1/8, and of the noise, 0.3 squared

    def draw(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """-> x, target: (T, B, 1)."""
        step = torch.arange(self.length + 1).unsqueeze(1)
        day, rhythm = 2 * math.pi * torch.rand(2, rows, generator=generator)
        noise = 0.3 * torch.randn(self.length + 1, rows, generator=generator)
        wave = torch.sin(2 * math.pi / 24 * step + day) + 0.5 * torch.sin(2 * math.pi / 7 * step + rhythm) + noise
        return wave[:-1].unsqueeze(-1), wave[1:].unsqueeze(-1)
