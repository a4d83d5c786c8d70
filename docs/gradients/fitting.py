"""A cell with a linear head, and the loop that fits it to a task."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import torch
from torch import Generator, Tensor, nn
from typing_extensions import override

from docs.gradients.tasks import Task
from models.cells import Cell

HIDDEN, ROWS, RECENT = 32, 32, 50


class Reader(nn.Module):
    """A cell whose output a linear head reads at every step."""

    def __init__(self, cell: Cell, outputs: int) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.Linear(cell.hidden, outputs)
        self.window: int | None = None  # steps, past whose ends no gradient goes; the state does

    @override
    def forward(self, x: Tensor) -> Tensor:
        """x: (T, B, F) -> (T, B, O)."""
        outputs, state = [], self.cell.initial_state(x.shape[1])
        for piece in torch.split(x, self.window or len(x)):
            y, after = self.cell.scan(piece, state)
            outputs.append(self.head(y))
            state = {name: tensor.detach() for name, tensor in after.items()}
        return torch.cat(outputs)


class Recipe(msgspec.Struct, frozen=True):
    """How a reader is fitted."""

    steps: int  # of the optimiser, at most
    learning_rate: float = 1e-2
    optimiser: str = "adam"  # or sgd, with momentum 0.9
    clip: float = 1.0  # the largest norm of the gradient
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


def fit(model: nn.Module, task: Task, recipe: Recipe, generator: Generator) -> Fit:
    """Fit a model of (T, B, F) -> (T, B, O) in place, on fresh sequences at every step."""
    optimiser: torch.optim.Optimizer
    if recipe.optimiser == "sgd":
        optimiser = torch.optim.SGD(model.parameters(), recipe.learning_rate, momentum=0.9)
    else:
        optimiser = torch.optim.Adam(model.parameters(), recipe.learning_rate)
    course = Fit([], [])
    while len(course.losses) < recipe.steps and not course.is_solved(recipe.solved, task.baseline):
        x, target = task.draw(ROWS, generator)
        loss = task.loss(model(x), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
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
