"""Long short-term memory, Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.

https://doi.org/10.1162/neco.1997.9.8.1735 and https://doi.org/10.1162/089976600300015015.
"""

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import CellState
from models.cells.nonlinear import NonlinearCell
from models.cells.tiles import Product


class LSTM(NonlinearCell):
    """Long short-term memory: a cell ``C`` that is added to, read through an output gate.

    ``C' = f * C + i * g``, ``h' = o * tanh(C')`` with gates ``i, f, o = sigmoid(W x + U h + b)`` and candidate
    ``g = tanh(W_g x + U_g h + b_g)``.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, gates=4)

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"hidden": (self.hidden,), "memory": (self.hidden,)}

    @override
    def update(self, from_input: Tensor, state: CellState, product: Product) -> dict[str, Tensor]:
        summed = from_input + product(self.recurrent, state["hidden"])  # (B, 4H)
        i, f, o = torch.sigmoid(summed[:, : 3 * self.hidden]).chunk(3, dim=-1)
        g = torch.tanh(summed[:, 3 * self.hidden :])
        memory = torch.addcmul(i * g, f, state["memory"])
        return {"hidden": o * torch.tanh(memory), "memory": memory}
