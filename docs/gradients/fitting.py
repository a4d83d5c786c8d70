"""A cell with a linear head, and the loop that fits it to a task."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import torch
from torch import Generator, Tensor, nn
from typing_extensions import override

from docs.gradients.tasks import Task
from models.cells import Cell, CellState

HIDDEN, ROWS, RECENT = 32, 32, 50


class Reader(nn.Module):
    """A cell whose output a linear head reads at every step."""

    def __init__(self, cell: Cell, outputs: int) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.Linear(cell.hidden, outputs)

    @override
    def forward(self, x: Tensor, state: CellState | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """x: (T, B, F) -> (T, B, O), state after the last step."""
        y, after = self.cell.scan(x, self.cell.initial_state(x.shape[1]) if state is None else state)
        return self.head(y), after

    def truncated(self, x: Tensor, window: int) -> Tensor:
        """The same answers, but no gradient passes from a window into the one before. x: (T, B, F) -> (T, B, O)."""
        outputs, state = [], self.cell.initial_state(x.shape[1])
        for piece in torch.split(x, window):
            output, after = self(piece, state)
            outputs.append(output)
            state = {name: tensor.detach() for name, tensor in after.items()}
        return torch.cat(outputs)


class Recipe(msgspec.Struct, frozen=True):
    """How a reader is fitted."""

    steps: int  # of the optimiser, at most
    learning_rate: float = 1e-2
    optimiser: str = "adam"  # or sgd, with momentum 0.9
    clip: float = 1.0  # the largest norm of the gradient
    window: int | None = None  # of truncated backpropagation; None: the whole sequence
    solved: float = 0.0  # share of the baseline at which the mean loss of the last `RECENT` steps ends the fitting


@dataclass(frozen=True, slots=True)
class Fit:
    """The course of a fitting: it ends early when solved, and when loss or gradient are no longer finite."""

    losses: list[float]
    norms: list[float]  # of the gradient, before it is clipped

    @property
    def recent_loss(self) -> float:
        """The mean of the last `RECENT` steps; infinite if any was not finite."""
        recent = self.losses[-RECENT:]
        return sum(recent) / len(recent) if all(map(math.isfinite, recent)) else math.inf

    def is_solved(self, share: float, baseline: float) -> bool:
        """Whether the recent loss is below this share of the baseline."""
        return len(self.losses) >= RECENT and self.recent_loss < share * baseline


def fit(reader: Reader, task: Task, recipe: Recipe, generator: Generator) -> Fit:
    """Fit the reader in place, on fresh sequences at every step."""
    optimiser: torch.optim.Optimizer
    if recipe.optimiser == "sgd":
        optimiser = torch.optim.SGD(reader.parameters(), recipe.learning_rate, momentum=0.9)
    else:
        optimiser = torch.optim.Adam(reader.parameters(), recipe.learning_rate)
    course = Fit([], [])
    while len(course.losses) < recipe.steps and not course.is_solved(recipe.solved, task.baseline):
        x, target = task.draw(ROWS, generator)
        output = reader.truncated(x, recipe.window or len(x))
        loss = task.loss(output, target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(reader.parameters(), recipe.clip)
        course.losses.append(float(loss.detach()))
        course.norms.append(float(norm))
        if not math.isfinite(course.losses[-1] + course.norms[-1]):
            break
        optimiser.step()
    return course


def seeded(make: Callable[[int, int], Cell], task: Task, seed: int) -> tuple[Reader, Generator]:
    """A reader and a generator of sequences, both drawn from the seed."""
    torch.manual_seed(seed)
    return Reader(make(task.inputs, HIDDEN), task.outputs), Generator().manual_seed(seed)
