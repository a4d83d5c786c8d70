"""Cells whose next state is no linear function of the last: their scan takes one step after the other."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import CellState, choose
from models.cells.forgetting import ForgettingCell
from models.cells.tiles import TiledLinear

Product = Callable[[TiledLinear, Tensor], Tensor]  # in tiles in a step, in one piece in a scan


class NonlinearCell(ForgettingCell):
    """A cell made of one product with the input, which a scan takes for all steps at once, and an `update`."""

    def __init__(self, inputs: int, hidden: int, gates: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, gates * hidden, fan=hidden)
        self.recurrent = TiledLinear(hidden, gates * hidden)

    @abstractmethod
    def update(self, from_input: Tensor, state: CellState, product: Product) -> dict[str, Tensor]:
        """The state after an input, whose first tensor is y. from_input: ``W x + b``, (B, gates H)."""

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self._advance(self.input(x), self.rest(state, elapsed), mask, TiledLinear.forward)

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        outputs, carried = [], dict(state)
        for t, from_input in enumerate(self.input.whole(x)):
            rested = self.rest(carried, None if elapsed is None else elapsed[t])
            y, carried = self._advance(from_input, rested, None if mask is None else mask[t], TiledLinear.whole)
            outputs.append(y)
        return torch.stack(outputs), carried

    def _advance(
        self, from_input: Tensor, rested: dict[str, Tensor], mask: Tensor | None, product: Product
    ) -> tuple[Tensor, dict[str, Tensor]]:
        after = self.update(from_input, rested, product)
        y = next(iter(after.values()))
        return choose(mask, y, torch.zeros_like(y)), {n: choose(mask, h, rested[n]) for n, h in after.items()}
