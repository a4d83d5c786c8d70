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

    @property
    @override
    def output_name(self) -> str | None:
        return next(iter(self.state_shapes))

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        return self._faded(state, self._kept(elapsed))

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        after = self._advance(self.input(x), self.rest(state, elapsed), mask, TiledLinear.forward)
        return self._said(next(iter(after.values())), mask), after

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        kept = self._kept(elapsed)
        outputs, carried = [], dict(state)
        for t, from_input in enumerate(self.input.whole(x)):
            rested = self._faded(carried, None if kept is None else kept[t])
            carried = self._advance(from_input, rested, None if mask is None else mask[t], TiledLinear.whole)
            outputs.append(next(iter(carried.values())))
        return self._said(torch.stack(outputs), mask), carried

    def _advance(
        self, from_input: Tensor, rested: dict[str, Tensor], mask: Tensor | None, product: Product
    ) -> dict[str, Tensor]:
        after = self.update(from_input, rested, product)
        return {name: choose(mask, column, rested[name]) for name, column in after.items()}

    def _kept(self, elapsed: Tensor | None) -> Tensor | None:
        """(...) -> (..., 1)."""
        return None if elapsed is None else kept_share(elapsed, self.forgetting).unsqueeze(-1)

    @staticmethod
    def _faded(state: CellState, kept: Tensor | None) -> dict[str, Tensor]:
        return dict(state) if kept is None else {name: column * kept for name, column in state.items()}

    @staticmethod
    def _said(h: Tensor, mask: Tensor | None) -> Tensor:
        """The output; a product, since h is finite and `torch.where` takes nine times as long."""
        return h if mask is None else h * mask.unsqueeze(-1)
