"""Weights from and to torch.nn's RNN, GRU and LSTM: the same numbers, the same outputs."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from models.cells.bidirectional import Bidirectional
from models.cells.cell import Cell
from models.cells.gru import GRU
from models.cells.lstm import LSTM
from models.cells.nonlinear import NonlinearCell
from models.cells.rnn import RNN
from models.cells.stack import Stack

OURS: dict[str, Callable[[int, int], NonlinearCell]] = {
    "RNN_TANH": RNN,
    "RNN_RELU": partial(RNN, activation="relu"),
    "GRU": GRU,
    "LSTM": LSTM,
}
THEIRS: dict[str, Callable[..., nn.RNNBase]] = {
    "RNN_TANH": nn.RNN,
    "RNN_RELU": partial(nn.RNN, nonlinearity="relu"),
    "GRU": nn.GRU,
    "LSTM": nn.LSTM,
}


def from_torch(theirs: nn.RNNBase) -> Cell | Bidirectional:
    """A cell, a `Stack` of several layers, or a `Bidirectional`, with the weights of torch's module.

    Raises:
        ValueError: the module projects its outputs.
    """
    if theirs.proj_size:
        raise ValueError(f"from_torch: expected a module without projections, got proj_size {theirs.proj_size}")
    forwards = [_read(theirs, f"l{number}") for number in range(theirs.num_layers)]
    if theirs.bidirectional:
        return Bidirectional(forwards, [_read(theirs, f"l{number}_reverse") for number in range(theirs.num_layers)])
    return forwards[0] if theirs.num_layers == 1 else Stack(forwards)


def to_torch(ours: Cell | Bidirectional) -> nn.RNNBase:
    """Torch's module with the weights of a cell, a `Stack` of cells of one kind, or a `Bidirectional` of them.

    What torch's does not know is left behind: how the state fades over a gap.

    Raises:
        ValueError: torch has no such cell.
    """
    if isinstance(ours, Bidirectional):
        directions = {"": ours.forwards, "_reverse": ours.backwards}
    else:
        directions = {"": ours.layers if isinstance(ours, Stack) else nn.ModuleList([ours])}
    cells = {
        f"l{number}{suffix}": cell
        for suffix, layers in directions.items()
        for number, cell in enumerate(cast("Iterable[Cell]", layers))
    }
    first = cells["l0"]
    theirs = THEIRS[_mode(first)](
        first.inputs, first.hidden, num_layers=len(directions[""]), bidirectional=len(directions) == 2
    ).to(next(ours.parameters()))
    for name, cell in cells.items():
        if _mode(cell) != theirs.mode:
            raise ValueError(f"to_torch: expected layers of {theirs.mode} alike, got one of {_mode(cell)}")
        _write(cast("NonlinearCell", cell), theirs, name)
    return theirs


def _mode(cell: Cell) -> str:
    """What torch calls this kind of cell."""
    if isinstance(cell, RNN) and cell.head is None and cell.activation != "sigmoid":
        return f"RNN_{cell.activation.upper()}"
    if isinstance(cell, GRU | LSTM):
        return type(cell).__name__
    raise ValueError(f"to_torch: expected RNN of tanh or relu, GRU or LSTM, got {type(cell).__name__}")


@torch.no_grad()
def _read(theirs: nn.RNNBase, name: str) -> NonlinearCell:
    weights = dict(theirs.named_parameters())
    cell = OURS[theirs.mode](weights[f"weight_ih_{name}"].shape[1], theirs.hidden_size).to(weights["weight_ih_l0"])
    for linear, short in ((cell.input, "ih"), (cell.recurrent, "hh")):
        weight = weights[f"weight_{short}_{name}"]
        bias = weights.get(f"bias_{short}_{name}", weight.new_zeros(len(weight)))
        linear.weight.copy_(_reordered(theirs.mode, weight).T)
        linear.bias.copy_(_reordered(theirs.mode, bias))
    return cell


@torch.no_grad()
def _write(cell: NonlinearCell, theirs: nn.RNNBase, name: str) -> None:
    for linear, short in ((cell.input, "ih"), (cell.recurrent, "hh")):
        theirs.get_parameter(f"weight_{short}_{name}").copy_(_reordered(theirs.mode, linear.weight.T))
        theirs.get_parameter(f"bias_{short}_{name}").copy_(_reordered(theirs.mode, linear.bias))


def _reordered(mode: str, gates: Tensor) -> Tensor:
    """Torch's LSTM has its gates in the order i, f, g, o, ours i, f, o, g: there and back are the same exchange."""
    if mode != "LSTM":
        return gates
    i, f, third, fourth = gates.chunk(4)
    return torch.cat((i, f, fourth, third))
