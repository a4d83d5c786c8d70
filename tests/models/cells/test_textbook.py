"""The textbook's equations, written out line by line in double precision, against the cells."""

import torch
from torch import Tensor

from models.cells import LSTM, RNN, Cell
from tests.models.cells.every_cell import FEATURES, HIDDEN, Sequence

TIGHT = 1e-13


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def tanh(x: Tensor) -> Tensor:
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


def weights(cell: Cell) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in cell.named_parameters()}


def inputs() -> Tensor:
    return Sequence.drawn(20, rows=1).x.double()


def scanned(cell: Cell) -> Tensor:
    with torch.no_grad():
        return cell.scan(inputs(), cell.initial_state(1))[0][:, 0]


def test_elmans_network_feeds_back_what_it_holds() -> None:
    torch.manual_seed(1)
    cell = RNN(FEATURES, HIDDEN).double()

    w = weights(cell)
    h = torch.zeros(HIDDEN, dtype=torch.float64)
    expected = []
    for x in inputs()[:, 0]:
        h = tanh(x @ w["input.weight"] + h @ w["recurrent.weight"] + w["input.bias"] + w["recurrent.bias"])
        expected.append(h)
    assert (scanned(cell) - torch.stack(expected)).abs().max() < TIGHT


def test_jordans_network_feeds_back_what_it_says() -> None:
    torch.manual_seed(1)
    cell = RNN(FEATURES, HIDDEN, activation="sigmoid", feedback="output").double()

    w = weights(cell)
    y = torch.zeros(HIDDEN, dtype=torch.float64)
    expected = []
    for x in inputs()[:, 0]:
        h = sigmoid(x @ w["input.weight"] + y @ w["recurrent.weight"] + w["input.bias"] + w["recurrent.bias"])
        y = sigmoid(h @ w["head.weight"] + w["head.bias"])
        expected.append(y)
    assert (scanned(cell) - torch.stack(expected)).abs().max() < TIGHT


def test_the_lstm_forgets_writes_and_tells() -> None:
    torch.manual_seed(1)
    cell = LSTM(FEATURES, HIDDEN).double()

    w = weights(cell)
    w_i, w_f, w_o, w_g = w["input.weight"].chunk(4, dim=1)
    u_i, u_f, u_o, u_g = w["recurrent.weight"].chunk(4, dim=1)
    b_i, b_f, b_o, b_g = (w["input.bias"] + w["recurrent.bias"]).chunk(4)
    h = torch.zeros(HIDDEN, dtype=torch.float64)
    memory = torch.zeros(HIDDEN, dtype=torch.float64)
    expected = []
    for x in inputs()[:, 0]:
        forget = sigmoid(x @ w_f + h @ u_f + b_f)
        input_gate = sigmoid(x @ w_i + h @ u_i + b_i)
        candidate = tanh(x @ w_g + h @ u_g + b_g)
        output = sigmoid(x @ w_o + h @ u_o + b_o)
        memory = forget * memory + input_gate * candidate
        h = output * tanh(memory)
        expected.append(h)
    assert (scanned(cell) - torch.stack(expected)).abs().max() < TIGHT
