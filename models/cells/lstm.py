"""Long short-term memory, Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import Cell, CellState
from models.cells.tiles import TiledLinear


class LSTM(Cell):
    """Long short-term memory: a cell ``C`` that is added to, read through an output gate.

    ``C' = f * C + i * g``, ``h' = o * tanh(C')`` with gates ``i, f, o = sigmoid(W x + U h + b)`` and candidate
    ``g = tanh(W_g x + U_g h + b_g)``.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, 4 * hidden, fan=hidden)
        self.recurrent = TiledLinear(hidden, 4 * hidden)

    @property
    @override
    def state_names(self) -> tuple[str, ...]:
        return ("hidden", "memory")

    @override
    def step(self, x: Tensor, state: CellState) -> tuple[Tensor, dict[str, Tensor]]:
        summed = self.input(x) + self.recurrent(state["hidden"])  # (B, 4H)
        i, f, o = torch.sigmoid(summed[:, : 3 * self.hidden]).chunk(3, dim=-1)
        g = torch.tanh(summed[:, 3 * self.hidden :])
        memory = torch.addcmul(i * g, f, state["memory"])
        h = o * torch.tanh(memory)
        return h, {"hidden": h, "memory": memory}
