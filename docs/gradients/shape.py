"""Whether depth or a second direction pays, at equal numbers of parameters."""

from collections.abc import Callable
from functools import partial

import msgspec
import torch
from torch import Generator, Tensor, nn
from typing_extensions import override

from docs.gradients.fitting import Reader, Recipe, fit
from docs.gradients.streams import Filling, Forecast, Values
from docs.gradients.tables import spread, table
from models.cells import GRU, RGLRU, Bidirectional, Block, Cell, Residual, deep

PARAMETERS = 10_000  # of the cells with their head, at most
LENGTH, TRAINED, JUDGED = 73, 2048, 512  # of the streams: steps, and how many
DEPTHS = (1, 2, 4)
RECIPE = Recipe(steps=300, learning_rate=5e-3)
Make = Callable[[int], nn.Module]  # of a number of hidden units


class Shape(msgspec.Struct, frozen=True):
    """One shape of a network; one number a seed."""

    task: str
    cell: str
    shape: str
    hidden: int  # of each cell
    parameters: int
    loss: list[float]  # on streams it was not trained on, as a share of the last value's


class BothWays(nn.Module):
    """A forward and a backward cell, whose outputs a linear head reads at every step."""

    def __init__(self, forwards: Cell, backwards: Cell) -> None:
        super().__init__()
        self.cells = Bidirectional([forwards], [backwards])
        self.head = nn.Linear(forwards.hidden + backwards.hidden, 1)

    @override
    def forward(self, x: Tensor) -> Tensor:
        """x: (T, B, F) -> (T, B, 1)."""
        output: Tensor = self.head(self.cells.scan(x))
        return output


def measure(seeds: range) -> list[Shape]:
    """Forecast with stacks of several depths, and fill gaps in one direction and in both."""
    found = []
    for name, cell in CELLS_MADE.items():
        stacks = {depth: partial(_read, partial(cell, depth=depth), Forecast.inputs) for depth in DEPTHS}
        found += [_shape(Forecast, name, f"depth {depth}", stack, seeds) for depth, stack in stacks.items()]
        found.append(_shape(Filling, name, "forwards", partial(_read, cell, Filling.inputs), seeds))
        found.append(_shape(Filling, name, "both ways", partial(_both, cell, Filling.inputs), seeds))
    return found


def _grus(inputs: int, hidden: int, depth: int = 1) -> Cell:
    return deep(GRU, inputs, hidden, depth, Residual)


def _blocks(inputs: int, hidden: int, depth: int = 1) -> Cell:
    return Block(inputs, hidden, RGLRU, depth)


CELLS_MADE = {"gru": _grus, "rg_lru in blocks": _blocks}


def _read(cell: Callable[[int, int], Cell], inputs: int, hidden: int) -> nn.Module:
    return Reader(cell(inputs, hidden), 1)


def _both(cell: Callable[[int, int], Cell], inputs: int, hidden: int) -> nn.Module:
    return BothWays(cell(inputs, hidden), cell(inputs, hidden))


def _shape(task: type[Forecast | Filling], cell: str, shape: str, make: Make, seeds: range) -> Shape:
    hidden = widest(make)
    losses = [_loss(task, make, hidden, seed) for seed in seeds]
    return Shape(task.__name__.lower(), cell, shape, hidden, _size(make(hidden)), losses)


def _loss(kind: type[Forecast | Filling], make: Make, hidden: int, seed: int) -> float:
    """Train on the streams of one seed, judge on those of another. -> share of the baseline."""
    task, judged = kind(Values.drawn(seed, LENGTH, TRAINED)), kind(Values.drawn(1_000 + seed, LENGTH, JUDGED))
    torch.manual_seed(seed)
    model = make(hidden)
    fit(model, task, RECIPE, Generator().manual_seed(seed))
    with torch.no_grad():
        return float(judged.loss(model(judged.x), judged.target)) / judged.baseline


def widest(make: Make) -> int:
    """The most hidden units with which a network has no more than `PARAMETERS`."""
    hidden = 1
    while _size(make(hidden + 1)) <= PARAMETERS:
        hidden += 1
    return hidden


def _size(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def shape_table(rows: list[Shape]) -> str:
    """The loss of every shape."""
    body = [[row.task, row.cell, row.shape, str(row.hidden), f"{row.parameters:,}", spread(row.loss)] for row in rows]
    return table(["task", "cell", "shape", "hidden", "parameters", "loss, share of the last value's"], body)
