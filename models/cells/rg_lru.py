"""The real-gated linear recurrent unit of Griffin, De et al. 2024, https://arxiv.org/abs/2402.19427."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from models.cells.linear import LinearCell
from models.cells.tiles import Product, TiledLinear

SHARPNESS = 8.0  # the paper's c
LONGEST, SHORTEST = 0.999, 0.9  # what an open gate keeps of the state in a step, before training (the paper's)


class RGLRU(LinearCell):
    """A decay per unit, which the input gates.

    ``h' = a ** dt * h + sqrt(1 - a**2) * (i * u)`` with ``u = W x + b``, gates ``r, i = sigmoid(V u + c)`` and
    ``log a = -8 softplus(L) * r``. The elapsed time ``dt`` scales log a; a rest has the gate of ``u = 0``. The
    convolution that the paper puts before it is left out: its state would be the last inputs, which few series need.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, hidden)
        self.gates = TiledLinear(hidden, 2 * hidden)
        rate = -torch.empty(hidden).uniform_(SHORTEST, LONGEST).log() / SHARPNESS
        self.rate = nn.Parameter(torch.expm1(rate).log())  # the inverse of softplus

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"hidden": (self.hidden,)}

    @property
    @override
    def output_name(self) -> str | None:
        return "hidden"

    @override
    def terms(self, x: Tensor, elapsed: Tensor | None, product: Product) -> tuple[Tensor, Tensor]:
        u = product(self.input, x)
        r, i = torch.sigmoid(product(self.gates, u)).chunk(2, dim=-1)
        log_a = self._log_decay(r)
        unit_variance = (-torch.expm1(2 * log_a)).clamp_min(1e-12).sqrt()
        return self._over(log_a, elapsed), unit_variance * i * u

    @override
    def fading(self, elapsed: Tensor | None) -> Tensor:
        return self._over(self._log_decay(torch.sigmoid(self.gates.bias[: self.hidden])), elapsed)

    @override
    def read(self, h: Tensor, x: Tensor, product: Product) -> Tensor:
        return h

    def _log_decay(self, r: Tensor) -> Tensor:
        return -SHARPNESS * functional.softplus(self.rate) * r

    @staticmethod
    def _over(log_a: Tensor, elapsed: Tensor | None) -> Tensor:
        return torch.exp(log_a if elapsed is None else log_a * elapsed.unsqueeze(-1))
