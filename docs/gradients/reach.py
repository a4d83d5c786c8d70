"""How far a cell remembers: what its output owes to an input long ago, and how long its gates hold."""

import math
from statistics import median

import msgspec
import torch
from torch import Generator, Tensor

from docs.gradients.chart import Axis, Line, Panel, draw
from docs.gradients.fitting import Reader, Recipe, fit, seeded
from docs.gradients.lags import SOLVED
from docs.gradients.tables import number, table
from docs.gradients.tasks import Adding
from models.cells import CELLS, GRU, LSTM, Cell, TiledLinear
from models.cells.linear import LinearCell

LAGS, TRAINED_LAG, STEPS, ROWS = 400, 100, 500, 64
SHOWN = (10, 100, 400)  # lags of the table
LEFT = 0.01  # of the newest input's gradient: where a cell's reach ends


class Reach(msgspec.Struct, frozen=True):
    """One cell before or after training on the adding task."""

    cell: str
    is_trained: bool
    norms: list[float]  # of the gradient of the last output by an input, by lag from 0; a share of that at lag 0
    loss: float  # of the last steps of the training, as a share of the baseline; 1 before
    half_lives: list[float]  # of the gates, a number a unit, in steps, ascending; none where there is no gate

    @property
    def steps(self) -> int:
        """The largest lag at which `LEFT` of the gradient remains."""
        return max(lag for lag, norm in enumerate(self.norms) if norm >= LEFT)


def measure(seeds: range) -> list[Reach]:
    """Look at every cell as drawn, and as trained until it solves the adding task or gives up; by the first seed."""
    seed = seeds[0]
    task, found = Adding(TRAINED_LAG), []
    x, _ = Adding(LAGS + 1).draw(ROWS, Generator().manual_seed(seed))
    for name, cell in CELLS.items():
        reader, generator = seeded(cell, task, seed)
        found.append(Reach(name, False, norms(reader, x).tolist(), 1.0, half_lives(reader.cell, x)))
        course = fit(reader, task, Recipe(STEPS, solved=SOLVED), generator)
        loss = course.recent_loss / task.baseline
        found.append(Reach(name, True, norms(reader, x).tolist(), loss, half_lives(reader.cell, x)))
    return found


def norms(reader: Reader, x: Tensor) -> Tensor:
    """The median size of the gradient of the last output by each input, newest first. x: (T, B, F) -> (T,)."""
    x = x.clone().requires_grad_()
    (by_input,) = torch.autograd.grad(reader(x)[-1].sum(), x)
    size = by_input.norm(dim=-1).median(-1).values.flip(0)
    share: Tensor = size / size[0]
    return share


@torch.no_grad()
def half_lives(cell: Cell, x: Tensor) -> list[float]:
    """``ln 2 / -E[ln gate]`` of every unit, ascending: after so many steps its gates have left half. x: (T, B, F)."""
    kept = gates(cell, x)
    if kept is None:
        return []
    rate = -kept.clamp_min(1e-12).log().mean((0, 1))
    return sorted((math.log(2) / rate.clamp_min(1e-9)).tolist())


def gates(cell: Cell, x: Tensor) -> Tensor | None:
    """What each step keeps of each unit's memory, where a gate says so. x: (T, B, F) -> (T, B, H)."""
    if isinstance(cell, LinearCell):
        kept, _ = cell.terms(x, None, TiledLinear.whole)
        return kept.abs()
    if not isinstance(cell, GRU | LSTM):
        return None
    state, found, second = cell.initial_state(x.shape[1]), [], slice(cell.hidden, 2 * cell.hidden)
    for from_input in cell.input.whole(x):
        summed = from_input + cell.recurrent.whole(state["hidden"])
        found.append(torch.sigmoid(summed[:, second]))  # of the GRU z, of the LSTM f
        state = cell.update(from_input, state, TiledLinear.whole)
    return torch.stack(found)


def reach_table(rows: list[Reach]) -> str:
    """What is left of a gradient at some lags, the reach, and the half-lives of the gates."""
    body = []
    for row in rows:
        lives = row.half_lives
        life = [number(median(lives)), number(lives[-1])] if lives else ["no gate", "no gate"]
        far = f"{row.steps:,}" if row.steps < LAGS else f"{LAGS:,} or more"
        loss = number(row.loss) if row.is_trained else ""
        body.append([row.cell, _stage(row), loss, *(number(row.norms[lag]) for lag in SHOWN), far, *life])
    header = ["cell", "", "loss", *(f"at lag {lag}" for lag in SHOWN), "reach", "half-life, median", "longest"]
    return table(header, body)


def reach_chart(rows: list[Reach]) -> str:
    """The gradient over the lag, a panel before training and one after."""
    lag = Axis("lag, steps", (0, 100, 200, 300, 400))
    norm = Axis("gradient, share of the newest input's", (1e-6, 1e-4, 1e-2, 1, 100), is_logarithmic=True)
    panels = [
        Panel(
            f"Cells {_stage(stage[0])}", lag, norm, [Line(row.cell, range(len(row.norms)), row.norms) for row in stage]
        )
        for stage in ([row for row in rows if row.is_trained == is_trained] for is_trained in (False, True))
    ]
    return draw("What the last output owes to an input over the lag, before training and after", panels)


def _stage(row: Reach) -> str:
    return "trained" if row.is_trained else "as drawn"
