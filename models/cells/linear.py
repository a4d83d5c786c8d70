"""Cells whose next state is linear in the last, so that a scan takes all steps at once."""

from abc import abstractmethod

import torch
from torch import Tensor
from typing_extensions import override

from models.cells.cell import Cell, CellState, choose
from models.cells.linear_scan import linear_scan
from models.cells.tiles import Product, TiledLinear


class LinearCell(Cell):
    """``h' = a * h + b``, elementwise: the input makes ``b`` and may make ``a``, the state makes neither.

    The elapsed time only changes ``a``, what is left of the past. State is one tensor of real h, or two of complex h.
    """

    @abstractmethod
    def terms(self, x: Tensor, elapsed: Tensor | None, product: Product) -> tuple[Tensor, Tensor]:
        """What a step does to the state. x: (..., F), elapsed: (...) -> a, b: (..., H)."""

    @abstractmethod
    def fading(self, elapsed: Tensor | None) -> Tensor:
        """What a rest leaves of the state. elapsed: (...) -> a: (..., H), or what broadcasts to it."""

    @abstractmethod
    def read(self, h: Tensor, x: Tensor, product: Product) -> Tensor:
        """The output, of the state after x. h: (..., H), x: (..., F) -> y: (..., H)."""

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        return self._state(self._held(state) * self.fading(elapsed))

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        a, b = self.terms(x, elapsed, TiledLinear.forward)
        held = self._held(state)
        h = torch.addcmul(b, a, held)
        if mask is not None:
            h = choose(mask, h, held * self.fading(elapsed))
        return choose(mask, self.read(h, x, TiledLinear.forward), 0.0), self._state(h)

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        a, b = self.terms(x, elapsed, TiledLinear.whole)
        if mask is not None:
            a, b = choose(mask, a, self.fading(elapsed)), choose(mask, b, 0.0)
        h = linear_scan(a, b, self._held(state))
        return choose(mask, self.read(h, x, TiledLinear.whole), 0.0), self._state(h[-1])

    def _held(self, state: CellState) -> Tensor:
        parts = [state[name] for name in self.state_shapes]
        return parts[0] if len(parts) == 1 else torch.complex(*parts)

    def _state(self, h: Tensor) -> dict[str, Tensor]:
        parts = (h.real.contiguous(), h.imag.contiguous()) if h.is_complex() else (h,)
        return dict(zip(self.state_shapes, parts, strict=True))
