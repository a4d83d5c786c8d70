"""Cells upon cells: stacks, residual connections, and the block of both that a Transformer is made of."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from typing_extensions import override

from models.cells.attention import Attention
from models.cells.cell import Cell, CellState, choose
from models.cells.pointwise import Linear, Norm, Perceptron

Make = Callable[[int, int], Cell]  # of a number of inputs and of hidden units


class Stack(Cell):
    """Layers of cells: each takes the outputs of the one below. The state of layer 1 is named ``1.hidden``."""

    def __init__(self, layers: Iterable[Cell]) -> None:
        layers = list(layers)
        super().__init__(layers[0].inputs, layers[-1].hidden)
        for number, (below, above) in enumerate(pairwise(layers)):
            if below.hidden != above.inputs:
                raise ValueError(f"Stack: layer {number} has {below.hidden} outputs, the next {above.inputs} inputs")
        self.layers = nn.ModuleList(layers)

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            f"{number}.{name}": shape
            for number, layer in enumerate(self._cells())
            for name, shape in layer.state_shapes.items()
        }

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        after: dict[str, Tensor] = {}
        for number, layer in enumerate(self._cells()):
            after |= _named(number, layer.rest(_of(number, layer, state), elapsed))
        return after

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        after: dict[str, Tensor] = {}
        for number, layer in enumerate(self._cells()):
            x, of_layer = layer.step(x, _of(number, layer, state), elapsed, mask)
            after |= _named(number, of_layer)
        return x, after

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        after: dict[str, Tensor] = {}
        for number, layer in enumerate(self._cells()):
            x, of_layer = layer.scan(x, _of(number, layer, state), elapsed, mask)
            after |= _named(number, of_layer)
        return x, after

    def _cells(self) -> Iterable[Cell]:
        return cast("Iterable[Cell]", self.layers)


def _of(number: int, layer: Cell, state: CellState) -> dict[str, Tensor]:
    return {name: state[f"{number}.{name}"] for name in layer.state_shapes}


def _named(number: int, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{number}.{name}": column for name, column in state.items()}


class Residual(Cell):
    """``x + dropout(cell(norm(x)))``: the cell learns what is to be added, whatever the depth."""

    def __init__(self, cell: Cell, dropout: float = 0.0) -> None:
        super().__init__(cell.inputs, cell.hidden)
        if cell.inputs != cell.hidden:
            raise ValueError(f"Residual: expected as many inputs as outputs, got {cell.inputs} and {cell.hidden}")
        self.norm = Norm(cell.inputs)
        self.cell = cell
        self.dropout = nn.Dropout(dropout)

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return self.cell.state_shapes

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        return self.cell.rest(state, elapsed)

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        y, after = self.cell.step(self.norm.step(x, {})[0], state, elapsed, mask)
        return choose(mask, x + self.dropout(y), 0.0), after

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        y, after = self.cell.scan(self.norm.scan(x, {})[0], state, elapsed, mask)
        return choose(mask, x + self.dropout(y), 0.0), after


class Block(Stack):
    """A projection, then ``depth`` times a cell and a perceptron, both residual, then a norm.

    With `Attention` it is a Transformer; with a linear cell it is the block that the linear cells' papers train.
    """

    def __init__(self, inputs: int, hidden: int, cell: Make = Attention, depth: int = 1, dropout: float = 0.0) -> None:
        layers: list[Cell] = [Linear(inputs, hidden)]
        for _ in range(depth):
            layers += [Residual(cell(hidden, hidden), dropout), Residual(Perceptron(hidden, hidden), dropout)]
        super().__init__([*layers, Norm(hidden)])


def deep(cell: Make, inputs: int, hidden: int, depth: int, wrap: Callable[[Cell], Cell] = lambda layer: layer) -> Stack:
    """``depth`` cells of one kind. ``wrap``, such as `Residual`, is put around all but the first."""
    return Stack([cell(inputs, hidden), *(wrap(cell(hidden, hidden)) for _ in range(depth - 1))])
