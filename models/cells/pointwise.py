"""Cells without a memory: the same function of every step's input, to build blocks from."""

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from models.cells.cell import Cell, CellState, choose
from models.cells.tiles import Product, TiledLinear


class PointwiseCell(Cell):
    """A cell whose state is empty."""

    @abstractmethod
    def apply_to(self, x: Tensor, product: Product) -> Tensor:
        """The function. x: (..., F) -> (..., H)."""

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        return {}

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return choose(mask, self.apply_to(x, TiledLinear.forward), 0.0), {}

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return choose(mask, self.apply_to(x, TiledLinear.whole), 0.0), {}


class Linear(PointwiseCell):
    """``W x + b``."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.linear = TiledLinear(inputs, hidden)

    @override
    def apply_to(self, x: Tensor, product: Product) -> Tensor:
        return product(self.linear, x)


class Perceptron(PointwiseCell):
    """``V gelu(W x + b) + c``, twice as wide inside."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.inner = TiledLinear(inputs, 2 * hidden)
        self.outer = TiledLinear(2 * hidden, hidden)

    @override
    def apply_to(self, x: Tensor, product: Product) -> Tensor:
        return product(self.outer, functional.gelu(product(self.inner, x)))


class Norm(PointwiseCell):
    """``g * x / rms(x)``, Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467."""

    def __init__(self, size: int) -> None:
        super().__init__(size, size)
        self.gain = nn.Parameter(torch.ones(size))

    @override
    def apply_to(self, x: Tensor, product: Product) -> Tensor:
        return self.gain * of_unit_size(x)


def of_unit_size(x: Tensor) -> Tensor:
    """``x / rms(x)``, the mean being over the last axis; 0 where a square overflows."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
