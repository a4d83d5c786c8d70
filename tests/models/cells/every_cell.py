"""Every cell and every wrapper, small, and sequences with gaps and holes to run them on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from models.cells import CELLS, LRU, RNN, TILE_ROWS, Attention, Block, Cell, MinGRU, Residual, Stack, deep
from models.cells.pointwise import Perceptron

FEATURES, HIDDEN = 5, 8
small_attention = partial(Attention, window=5, heads=2)

MAKES: dict[str, Callable[[int, int], Cell]] = {
    **CELLS,
    "attention": small_attention,
    "jordan": partial(RNN, feedback="output", activation="sigmoid"),
    "relu": partial(RNN, activation="relu"),
    "residual": lambda inputs, _: Residual(CELLS["gru"](inputs, inputs)),
    "two layers": partial(deep, CELLS["lstm"], depth=2),
    "three residual layers": partial(deep, MinGRU, depth=3, wrap=partial(Residual, dropout=0.1)),
    "transformer": partial(Block, depth=2, dropout=0.1),
    "block of lru": partial(Block, cell=LRU),
    "gru, attention, perceptron": lambda inputs, hidden: Stack(
        [CELLS["gru"](inputs, hidden), small_attention(hidden, hidden), Perceptron(hidden, hidden)]
    ),
}


def made(name: str, inputs: int = FEATURES, hidden: int = HIDDEN) -> Cell:
    """One of them, with weights of its own and no gradients."""
    torch.manual_seed(3)
    return MAKES[name](inputs, hidden).requires_grad_(False).eval()


@dataclass(frozen=True)
class Sequence:
    """What a cell is given. (T, B, F), (T, B), (T, B)."""

    x: Tensor
    elapsed: Tensor
    mask: Tensor

    @staticmethod
    def drawn(length: int, rows: int = TILE_ROWS, seed: int = 0, features: int = FEATURES) -> "Sequence":
        """Readings at uneven times, a fifth of them in gaps, a quarter of them without an input."""
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(length, rows, features, generator=generator)
        gap = torch.rand(length, rows, generator=generator) < 0.2
        steps = torch.rand(length, rows, generator=generator) * 2
        return Sequence(x, torch.where(gap, steps * 20, steps), torch.rand(length, rows, generator=generator) < 0.75)

    def double(self) -> "Sequence":
        """The same in double precision."""
        return Sequence(self.x.double(), self.elapsed.double(), self.mask)

    def part(self, moments: slice = slice(None), rows: slice = slice(None)) -> "Sequence":
        """Some of its moments, of some of its rows."""
        return Sequence(self.x[moments, rows], self.elapsed[moments, rows], self.mask[moments, rows])

    def __len__(self) -> int:
        """T."""
        return len(self.x)


def scanned(cell: Cell, given: Sequence, state: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The scan from this state, or from the first."""
    start = cell.initial_state(given.x.shape[1]) if state is None else state
    return cell.scan(given.x, start, given.elapsed, given.mask)


def stepped(cell: Cell, given: Sequence, state: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The slow obvious form of it: one step after the other."""
    carried = cell.initial_state(given.x.shape[1]) if state is None else state
    outputs = []
    for t in range(len(given)):
        y, carried = cell.step(given.x[t], carried, given.elapsed[t], given.mask[t])
        outputs.append(y)
    return torch.stack(outputs), carried


def difference(ours: tuple[Tensor, dict[str, Tensor]], expected: tuple[Tensor, dict[str, Tensor]]) -> float:
    """The largest one, over outputs and state, as a share of what is expected where that is more than 1."""
    pairs = [(ours[0], expected[0]), *((ours[1][name], expected[1][name]) for name in expected[1])]
    return max(float(((a - b).abs() / (1 + b.abs())).max()) for a, b in pairs)
