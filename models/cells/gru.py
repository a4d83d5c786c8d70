"""Gated recurrent unit, Cho et al. 2014, https://arxiv.org/abs/1406.1078."""

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import Cell, CellState
from models.cells.tiles import TiledLinear


class GRU(Cell):
    """Gated recurrent unit, the reset gate after the matmul, as cuDNN has it.

    ``h' = (1 - z) * n + z * h`` with gates ``r, z = sigmoid(W x + U h + b)`` and candidate
    ``n = tanh(W_n x + b_n + r * (U_n h + c_n))``.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, 3 * hidden, fan=hidden)
        self.recurrent = TiledLinear(hidden, 3 * hidden)

    @property
    @override
    def state_names(self) -> tuple[str, ...]:
        return ("hidden",)

    @override
    def step(self, x: Tensor, state: CellState) -> tuple[Tensor, dict[str, Tensor]]:
        h = state["hidden"]
        from_input = self.input(x)  # (B, 3H)
        from_hidden = self.recurrent(h)  # (B, 3H)
        gates = 2 * self.hidden
        r, z = torch.sigmoid(from_input[:, :gates] + from_hidden[:, :gates]).chunk(2, dim=-1)
        n = torch.tanh(from_input[:, gates:] + r * from_hidden[:, gates:])
        h = n.lerp(h, z)
        return h, {"hidden": h}
