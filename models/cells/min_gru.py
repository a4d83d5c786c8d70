"""The minimal gated recurrent unit, Feng et al. 2024, https://arxiv.org/abs/2410.01201."""

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.forgetting import kept_share, new_forgetting
from models.cells.linear import LinearCell
from models.cells.tiles import Product, TiledLinear


class MinGRU(LinearCell):
    """A GRU whose gate and candidate see the input alone, so that the state is linear in itself.

    ``h' = (1 - z) * h + z * n`` with gate ``z = sigmoid(W_z x + b_z)`` and candidate ``n = W_n x + b_n``. Over a gap h
    fades by `kept_share`, as in the GRU.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, 2 * hidden)
        self.forgetting = new_forgetting()

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
        gate, candidate = product(self.input, x).chunk(2, dim=-1)
        z = torch.sigmoid(gate)
        return 1 - z if elapsed is None else (1 - z) * self.fading(elapsed), z * candidate

    @override
    def fading(self, elapsed: Tensor | None) -> Tensor:
        if elapsed is None:
            return self.forgetting.new_ones(1)
        return kept_share(elapsed, self.forgetting).unsqueeze(-1)

    @override
    def read(self, h: Tensor, x: Tensor, product: Product) -> Tensor:
        return h
