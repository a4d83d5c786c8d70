"""Gated recurrent unit, Cho et al. 2014, https://arxiv.org/abs/1406.1078."""

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import CellState
from models.cells.nonlinear import NonlinearCell
from models.cells.tiles import Product


class GRU(NonlinearCell):
    """Gated recurrent unit, the reset gate after the matmul, as cuDNN has it.

    ``h' = (1 - z) * n + z * h`` with gates ``r, z = sigmoid(W x + U h + b)`` and candidate
    ``n = tanh(W_n x + b_n + r * (U_n h + c_n))``.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, gates=3)

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"hidden": (self.hidden,)}

    @override
    def update(self, from_input: Tensor, state: CellState, product: Product) -> dict[str, Tensor]:
        h = state["hidden"]
        from_hidden = product(self.recurrent, h)  # (B, 3H)
        gates = 2 * self.hidden
        r, z = torch.sigmoid(from_input[:, :gates] + from_hidden[:, :gates]).chunk(2, dim=-1)
        n = torch.tanh(from_input[:, gates:] + r * from_hidden[:, gates:])
        return {"hidden": n.lerp(h, z)}
