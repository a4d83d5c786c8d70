"""Synthetic machines: series of a few channels with a common load, days, and noise of their own, each in its unit."""

from dataclasses import dataclass

import torch
from torch import Tensor

CHANNELS = 4
DAY_READINGS = 96
CADENCE_SECONDS = 900.0
NOISE_SHARE = 0.05  # of the variance of every channel
LOAD_MEMORY, NOISE_MEMORY = 0.95, 0.6  # autocorrelation of what drives all channels, and of each one's noise


@dataclass(frozen=True, slots=True)
class Machines:
    """The readings of B machines, T each, and what a standard deviation of every channel is."""

    values: Tensor  # (T, B, C) float64
    level: Tensor  # (B, C)
    deviation: Tensor  # (B, C)

    @staticmethod
    def drawn(readings: int, machines: int, seed: int) -> "Machines":
        """Draw them: ``level + unit * (a load + b day + c noise)`` with ``a, b`` of every channel its own.

        The best forecast of the next reading is off by about a quarter of a standard deviation.
        """
        rng = torch.Generator().manual_seed(seed)
        shape = (machines, CHANNELS)
        load = _autoregression((readings, machines, 1), LOAD_MEMORY, rng)
        noise = _autoregression((readings, *shape), NOISE_MEMORY, rng)
        time = torch.arange(readings, dtype=torch.float64).view(-1, 1, 1)
        day = 2**0.5 * torch.sin(2 * torch.pi * (time / DAY_READINGS + _uniform(shape, rng)))
        of_load = (0.1 + 0.5 * _uniform(shape, rng)) * (1 - NOISE_SHARE)
        sign = torch.where(_uniform(shape, rng) < 0.5, -1.0, 1.0)
        unit, level = 10 ** (4 * _uniform(shape, rng) - 2), 100 * _uniform(shape, rng)
        of_day = 1 - NOISE_SHARE - of_load
        standard = of_load.sqrt() * sign * load + of_day.sqrt() * day + NOISE_SHARE**0.5 * noise
        return Machines(level * unit + unit * standard, level * unit, unit)


def _uniform(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=rng, dtype=torch.float64)


def _autoregression(shape: tuple[int, ...], memory: float, rng: torch.Generator) -> Tensor:
    """Of order one and of unit variance."""
    shocks = torch.randn(shape, generator=rng, dtype=torch.float64) * (1 - memory * memory) ** 0.5
    shocks[0] /= (1 - memory * memory) ** 0.5
    path = [shocks[0]]
    for shock in shocks[1:]:
        path.append(memory * path[-1] + shock)
    return torch.stack(path)
