"""What truncated backpropagation through time leaves out of a gradient, and what that costs in training."""

from copy import deepcopy
from statistics import fmean

import msgspec
import torch
from torch import Generator, Tensor

from docs.gradients.chart import Axis, Line, Panel, draw
from docs.gradients.fitting import Reader, Recipe, fit, seeded
from docs.gradients.tables import spread, table
from docs.gradients.tasks import Echo, Task, Waves
from models.cells import CELLS

CELL_NAMES = ("rnn", "gru", "lstm")
LAG, LENGTH, TRAINED_LENGTH, ROWS = 10, 256, 100, 32
WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TRAINED_WINDOWS = (5, 10, 11, 20, 50, 100)
RECIPE = Recipe(steps=250)


class Bias(msgspec.Struct, frozen=True):
    """A truncated gradient against the full one; one number a seed."""

    task: str
    cell: str
    is_trained: bool
    window: int
    cosine: list[float]
    error: list[float]  # |truncated - full| / |full|


class Training(msgspec.Struct, frozen=True):
    """The loss after training on the echo with truncated gradients; one number a seed."""

    cell: str
    window: int
    loss: list[float]  # share of the baseline


def measure_bias(seeds: range) -> list[Bias]:
    """Compare gradients over `LENGTH` steps before training and after it."""
    found = []
    for name, tasks in tasks_by_name().items():
        for cell in CELL_NAMES:
            states: dict[bool, list[dict[int, tuple[float, float]]]] = {False: [], True: []}
            for seed in seeds:
                reader, generator = seeded(CELLS[cell], tasks[0], seed)
                states[False].append(biases(reader, tasks[1], seed))
                fit(reader, tasks[0], RECIPE, generator)
                states[True].append(biases(reader, tasks[1], seed))
            for is_trained, by_seed in states.items():
                for window in WINDOWS:
                    cosine, error = zip(*(of[window] for of in by_seed), strict=True)
                    found.append(Bias(name, cell, is_trained, window, list(cosine), list(error)))
    return found


def tasks_by_name() -> dict[str, tuple[Task, Task]]:
    """Each task in the length to train on and in the length to measure on."""
    return {
        f"echo of {LAG} steps": (Echo(LAG, TRAINED_LENGTH), Echo(LAG, LENGTH)),
        "forecast of waves": (Waves(TRAINED_LENGTH), Waves(LENGTH)),
    }


def biases(reader: Reader, task: Task, seed: int) -> dict[int, tuple[float, float]]:
    """Window -> cosine and relative error of its gradient, in float64, against that of the whole sequence."""
    exact = deepcopy(reader).double()
    x, target = (tensor.double() for tensor in task.draw(ROWS, Generator().manual_seed(seed)))
    full = gradient(exact, task, x, target, len(x))
    return {window: _compared(gradient(exact, task, x, target, window), full) for window in WINDOWS}


def gradient(reader: Reader, task: Task, x: Tensor, target: Tensor, window: int) -> Tensor:
    """The gradient by all parameters, in one row. x: (T, B, F) -> (P,)."""
    reader.zero_grad()
    reader.window = window
    task.loss(reader(x), target).backward()  # type: ignore[no-untyped-call]
    return torch.cat([weight.grad.flatten() for weight in reader.parameters() if weight.grad is not None])


def _compared(truncated: Tensor, full: Tensor) -> tuple[float, float]:
    cosine = torch.cosine_similarity(truncated, full, dim=0)
    return float(cosine), float((truncated - full).norm() / full.norm())


def measure_training(seeds: range) -> list[Training]:
    """Train a GRU on the echo by windows of several lengths, with a step of the optimiser a sequence in any case."""
    task = Echo(LAG, TRAINED_LENGTH)
    found = []
    for window in TRAINED_WINDOWS:
        losses = []
        for seed in seeds:
            reader, generator = seeded(CELLS["gru"], task, seed)
            reader.window = window
            losses.append(fit(reader, task, RECIPE, generator).recent_loss / task.baseline)
        found.append(Training("gru", window, losses))
    return found


def bias_table(rows: list[Bias]) -> str:
    """Cosine and relative error by window, trained: the mean over the seeds."""
    trained = {(row.task, row.cell, row.window): row for row in rows if row.is_trained}
    tasks, windows = dict.fromkeys(row.task for row in rows), dict.fromkeys(row.window for row in rows)
    header = ["task", "window", *(f"{name} {part}" for name in CELL_NAMES for part in ("cosine", "error"))]
    body = []
    for task in tasks:
        for window in windows:
            found = [trained[task, name, window] for name in CELL_NAMES]
            cells = [f"{fmean(values):.3f}" for row in found for values in (row.cosine, row.error)]
            body.append([task, str(window), *cells])
    return table(header, body)


def bias_chart(rows: list[Bias]) -> str:
    """Relative error over the window, before and after training, a panel a task."""
    panels = []
    for task in dict.fromkeys(row.task for row in rows):
        lines = []
        for cell, is_trained in dict.fromkeys((row.cell, row.is_trained) for row in rows):
            curve = [row for row in rows if (row.task, row.cell, row.is_trained) == (task, cell, is_trained)]
            name = f"{cell}, {'trained' if is_trained else 'as drawn'}"
            lines.append(Line(name, [row.window for row in curve], [fmean(row.error) for row in curve]))
        steps = Axis("window, steps", (1, 4, 16, 64, 256), is_logarithmic=True)
        panels.append(Panel(task.capitalize(), steps, Axis("relative error", (0, 0.25, 0.5, 0.75, 1.0)), lines))
    return draw("Relative error of truncated gradients over the window, for two tasks and three cells", panels)


def training_table(rows: list[Training]) -> str:
    """Loss by window."""
    body = [[str(row.window), spread(row.loss)] for row in rows]
    return table(["window", f"loss of the {rows[0].cell} as a share of the baseline"], body)
