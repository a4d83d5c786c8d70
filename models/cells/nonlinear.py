"""Cells whose next state is no linear function of the last: their scan takes one step after the other."""

from abc import abstractmethod

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import Cell, CellState, choose
from models.cells.forgetting import kept_share, new_forgetting
from models.cells.tiles import Product, TiledLinear


class NonlinearCell(Cell):
    """A cell made of one product with the input, which a scan takes for all steps at once, and an `update`.

    The state fades over a gap and a rest alike, by `kept_share` of the elapsed time.
    """

    def __init__(self, inputs: int, hidden: int, gates: int) -> None:
        super().__init__(inputs, hidden)
        self.input = TiledLinear(inputs, gates * hidden, fan=hidden)
        self.recurrent = TiledLinear(hidden, gates * hidden)
        self.forgetting = new_forgetting()

    @abstractmethod
    def update(self, from_input: Tensor, state: CellState, product: Product) -> dict[str, Tensor]:
        """The state after an input, whose first tensor is y. from_input: ``W x + b``, (B, gates H)."""

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        if elapsed is None:
            return dict(state)
        kept = kept_share(elapsed, self.forgetting).unsqueeze(-1)
        return {name: column * kept for name, column in state.items()}

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
        return choose(mask, y, 0.0), {n: choose(mask, h, rested[n]) for n, h in after.items()}
