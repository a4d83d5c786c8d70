"""Whether a cell learns what lies far back: the adding and the copy task at growing lags."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import msgspec
import torch
from torch import nn

from docs.gradients.fitting import Fit, Recipe, fit, seeded
from docs.gradients.tables import number, table
from docs.gradients.tasks import Adding, Copying
from models.cells import CELLS, GRU, LRU, LSTM, RGLRU, Block, Cell, MinGRU

TASKS: dict[str, Callable[[int], Adding | Copying]] = {"adding": Adding, "copy": Copying}
SOLVED = 0.1  # of the baseline


class Contender(msgspec.Struct, frozen=True):
    """A cell as it starts."""

    name: str
    make: Callable[[int, int], Cell]
    starts_long: bool = False  # its gates are opened for the lag before training


def _block_of(cell: type[Cell]) -> Callable[[int, int], Cell]:
    return lambda inputs, hidden: Block(inputs, hidden, cell)


CONTENDERS = (
    *(Contender(name, CELLS[name]) for name in ("rnn", "gru", "lstm", "min_gru", "rg_lru", "lru")),
    *(Contender(f"{name}, open gates", CELLS[name], starts_long=True) for name in ("gru", "lstm")),
    *(Contender(f"{name} in a block", _block_of(cell)) for name, cell in (("min_gru", MinGRU), ("rg_lru", RGLRU))),
    Contender("lru in a block", _block_of(LRU)),
)


class Attempt(msgspec.Struct, frozen=True):
    """A training at one lag; one number a seed."""

    task: str
    lag: int
    cell: str
    steps: list[int]  # of the optimiser, until it was solved, or given up
    loss: list[float]  # of the last steps, as a share of the baseline


def measure(lag: int, steps: int, contenders: Sequence[Contender], seeds: range) -> Iterator[Attempt]:
    """Train contenders on both tasks, for so many steps of the optimiser at most."""
    for contender, (name, make) in product(contenders, TASKS.items()):
        task = make(lag)
        courses = [attempt(contender, task, steps, seed) for seed in seeds]
        losses = [course.recent_loss / task.baseline for course in courses]
        yield Attempt(name, lag, contender.name, [len(course.losses) for course in courses], losses)


def attempt(contender: Contender, task: Adding | Copying, steps: int, seed: int) -> Fit:
    """Train one contender once."""
    reader, generator = seeded(contender.make, task, seed)
    if contender.starts_long:
        open_gates(reader.cell, task.lag)
    return fit(reader, task, Recipe(steps, solved=SOLVED), generator)


def open_gates(cell: Cell, lag: int) -> None:
    """Let half-lives up to the lag come first, as Tallec & Ollivier 2018 have it, https://arxiv.org/abs/1804.11188."""
    if not isinstance(cell, GRU | LSTM):
        raise TypeError(f"open_gates: expected a GRU or an LSTM, got {type(cell).__name__}")
    keeping = torch.log(nn.init.uniform_(torch.empty(cell.hidden), 1, lag - 1))
    first, second = slice(cell.hidden), slice(cell.hidden, 2 * cell.hidden)
    with torch.no_grad():
        cell.recurrent.bias[second] = 0
        cell.input.bias[second] = keeping  # of the GRU z, of the LSTM f
        if isinstance(cell, LSTM):
            cell.recurrent.bias[first] = 0
            cell.input.bias[first] = -keeping


def attempt_table(rows: list[Attempt]) -> str:
    """In how many steps a task was solved, and what loss was left where it was not."""
    by_place = {(row.cell, row.task, row.lag): row for row in rows}
    names = [contender.name for contender in CONTENDERS]
    places = sorted({(row.task, row.lag) for row in rows})
    header = ["cell", *(f"{task} at {lag:,}" for task, lag in places)]
    body = [
        [cell, *(_told(by_place.get((cell, *place))) for place in places)]
        for cell in sorted({row.cell for row in rows}, key=names.index)
    ]
    return table(header, body)


def _told(row: Attempt | None) -> str:
    if row is None:
        return "not run"
    told = [
        f"in {steps:,}" if loss < SOLVED else f"no in {steps:,} ({number(loss)})"
        for steps, loss in zip(row.steps, row.loss, strict=True)
    ]
    return ", ".join(told)
