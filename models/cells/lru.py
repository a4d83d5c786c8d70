"""The linear recurrent unit, a diagonal state space model, Orvieto et al. 2023, https://arxiv.org/abs/2303.06349."""

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from models.cells.linear import LinearCell
from models.cells.tiles import Product, TiledLinear

LONGEST_STEPS = 1000.0  # of a unit's memory, and of its period, before training
MAX_ELAPSED = 1e6  # steps, past which no unit remembers anything


class LRU(LinearCell):
    """Damped oscillators, in continuous time: the elapsed time is exact.

    ``h' = lambda ** dt * h + gamma * (B x + b)`` and ``y = Re(C h') + D x + d`` with complex
    ``lambda = exp(-exp(nu) + i exp(theta))`` and ``gamma = sqrt(1 - |lambda|**2)``, which keeps the variance. To rest
    and then to step is to step once over the sum of both times. Memories and periods start spread over the decades from
    a step to a thousand, where the paper draws lambda from a ring: the pace of a series is not known.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, 2 * hidden)
        self.output = TiledLinear(2 * hidden + inputs, hidden)
        self.nu = nn.Parameter(-math.log(LONGEST_STEPS) * torch.rand(hidden))
        self.theta = nn.Parameter(math.log(math.pi) - math.log(LONGEST_STEPS / 2) * torch.rand(hidden))

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"real": (self.hidden,), "imaginary": (self.hidden,)}

    @override
    def terms(self, x: Tensor, elapsed: Tensor | None, product: Product) -> tuple[Tensor, Tensor]:
        real, imaginary = product(self.input, x).chunk(2, dim=-1)
        gamma = (-torch.expm1(-2 * torch.exp(self.nu))).sqrt()
        b = torch.complex(gamma * real, gamma * imaginary)
        return self.fading(elapsed).expand_as(b), b

    @override
    def fading(self, elapsed: Tensor | None) -> Tensor:
        dt = self.nu.new_ones(1) if elapsed is None else elapsed.clamp_max(MAX_ELAPSED).unsqueeze(-1)
        return torch.polar(torch.exp(-torch.exp(self.nu) * dt), torch.exp(self.theta) * dt)

    @override
    def read(self, h: Tensor, x: Tensor, product: Product) -> Tensor:
        return product(self.output, torch.cat((h.real, h.imag, x), dim=-1))
