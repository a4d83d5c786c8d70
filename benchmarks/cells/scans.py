"""Readings a second in training: a scan, forwards and backwards, against one step after the other."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import results_page
import torch
from torch import Tensor, nn

from cells.machine import Clock
from cells.steps import state_floats
from models.cells import CELLS, Cell

ROWS = 32
MAX_KEPT_FLOATS = 1 << 26  # of state, in all steps: what one step after the other keeps is about ten times as much
THEIRS: dict[str, Callable[[int, int], nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def scan_table(inputs: int, hidden: Mapping[str, int], lengths: Sequence[int], clock: Clock) -> list[str]:
    """Thousands of readings a second, and how often the rate of single steps that is. hidden: units of each cell."""
    rows = []
    for name, size in hidden.items():
        cell = CELLS[name](inputs, size).to(clock.device)
        rates = [_rate(clock, length, inputs, partial(_scanned, cell)) for length in lengths]
        ratios = [_ratio(clock, length, cell, rate) for length, rate in zip(lengths, rates, strict=True)]
        rows.append([f"{name}, {size}", *(f"{rate / 1e3:,.0f}" for rate in rates), *ratios])
    for name in filter(hidden.__contains__, THEIRS):
        theirs = THEIRS[name](inputs, hidden[name]).to(clock.device)
        rates = [_rate(clock, length, inputs, partial(_of_torch, theirs)) for length in lengths]
        label = f"torch's {type(theirs).__name__}, {hidden[name]}"
        rows.append([label, *(f"{rate / 1e3:,.0f}" for rate in rates), *("" for _ in lengths)])
    columns = [f"T = {length:,}" for length in lengths]
    return results_page.table(["cell, hidden units", *columns, *(f"scan / steps, {name}" for name in columns)], rows)


def _ratio(clock: Clock, length: int, cell: Cell, rate: float) -> str:
    if length * ROWS * state_floats(cell) > MAX_KEPT_FLOATS:
        return "too large"
    return f"{rate / _rate(clock, length, cell.inputs, partial(_stepped, cell), least=1):.1f}"


def _rate(clock: Clock, length: int, inputs: int, run: Callable[[Tensor], Tensor], least: int = 3) -> float:
    x = torch.randn(length, ROWS, inputs, device=clock.device)
    return clock.rate(length * ROWS, lambda: run(x).square().mean().backward(), least)  # type: ignore[no-untyped-call]


def _scanned(cell: Cell, x: Tensor) -> Tensor:
    return cell.scan(x, cell.initial_state(ROWS))[0]


def _stepped(cell: Cell, x: Tensor) -> Tensor:
    state, outputs = cell.initial_state(ROWS), []
    for moment in x:
        y, state = cell.step(moment, state)
        outputs.append(y)
    return torch.stack(outputs)


def _of_torch(theirs: nn.RNNBase, x: Tensor) -> Tensor:
    outputs: Tensor = theirs(x)[0]
    return outputs
