"""The simple recurrent network: Elman 1990, https://doi.org/10.1207/s15516709cog1402_1, and Jordan 1986."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import CellState
from models.cells.nonlinear import NonlinearCell
from models.cells.tiles import Product, TiledLinear

Activation = Literal["tanh", "relu", "sigmoid"]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
}


class RNN(NonlinearCell):
    """Elman's network feeds back what it holds, Jordan's what it says.

    ``h' = g(W x + U h + b)`` and ``y = h'`` with feedback ``hidden``;
    ``h' = g(W x + U y + b)`` and ``y' = g(V h' + c)`` with feedback ``output``, whose state is y.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        activation: Activation = "tanh",
        feedback: Literal["hidden", "output"] = "hidden",
    ) -> None:
        super().__init__(inputs, hidden, gates=1)
        self.activation = activation
        self.head = TiledLinear(hidden, hidden) if feedback == "output" else None

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"hidden" if self.head is None else "output": (self.hidden,)}

    @override
    def update(self, from_input: Tensor, state: CellState, product: Product) -> dict[str, Tensor]:
        g = ACTIVATIONS[self.activation]
        (name,) = self.state_shapes
        h = g(from_input + product(self.recurrent, state[name]))
        return {name: h if self.head is None else g(product(self.head, h))}
