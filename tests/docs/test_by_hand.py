"""Backpropagation through time by hand equals autograd, whole and truncated."""

import pytest
import torch
from torch import Tensor

from docs.gradients.by_hand import Weights, elman, elman_backward, lstm, lstm_backward
from models.cells import LSTM, RNN

STEPS, ROWS, INPUTS, HIDDEN = 12, 3, 2, 5
WINDOWS = [None, 1, 4, 5, 12]  # 5 does not divide the steps


def drawn(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()


def weights(gates: int) -> Weights:
    return Weights(
        drawn(INPUTS, gates * HIDDEN, seed=1), drawn(HIDDEN, gates * HIDDEN, seed=2), drawn(gates * HIDDEN, seed=3)
    )


def windows(window: int | None) -> list[slice]:
    size = window or STEPS
    return [slice(start, start + size) for start in range(0, STEPS, size)]


def assert_equal(by_hand: tuple[Tensor, ...], by_autograd: tuple[Tensor, ...]) -> None:
    for ours, theirs in zip(by_hand, by_autograd, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_gradient_of_elman_equals_autograd(window: int | None) -> None:
    given, x, start = weights(1), drawn(STEPS, ROWS, INPUTS, seed=4), drawn(ROWS, HIDDEN, seed=5)
    taught = drawn(STEPS, ROWS, HIDDEN, seed=6).detach()
    outputs, state = [], start
    for span in windows(window):
        states = elman(given, x[span], state)
        outputs.append(states[1:])
        state = states[-1].detach()
    wanted = torch.autograd.grad((torch.cat(outputs) * taught).sum(), (*given, x, start))

    with torch.no_grad():
        found = elman_backward(given, x, elman(given, x, start), taught, window)

    assert_equal((*found.weights, found.x, found.hidden), wanted)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_gradient_of_the_lstm_equals_autograd(window: int | None) -> None:
    given, x = weights(4), drawn(STEPS, ROWS, INPUTS, seed=4)
    start = (drawn(ROWS, HIDDEN, seed=5), drawn(ROWS, HIDDEN, seed=7))
    taught = drawn(STEPS, ROWS, HIDDEN, seed=6).detach()
    outputs, state = [], start
    for span in windows(window):
        trace = lstm(given, x[span], *state)
        outputs.append(trace.hidden[1:])
        state = (trace.hidden[-1].detach(), trace.memory[-1].detach())
    wanted = torch.autograd.grad((torch.cat(outputs) * taught).sum(), (*given, x, *start))

    with torch.no_grad():
        found = lstm_backward(given, x, lstm(given, x, *start), taught, window)

    assert_equal((*found.weights, found.x, found.hidden, found.memory), wanted)


def by_hand(cell: RNN | LSTM) -> Weights:
    """What a cell of the project has learnt, in the letters of the page."""
    return Weights(cell.input.weight, cell.recurrent.weight, cell.input.bias + cell.recurrent.bias)


def learnt(cell: RNN | LSTM, loss: Tensor) -> tuple[Tensor, ...]:
    """What autograd says of the same weights."""
    return torch.autograd.grad(loss, (cell.input.weight, cell.recurrent.weight, cell.input.bias))


def test_the_cell_of_elman_learns_as_by_hand() -> None:
    cell = RNN(INPUTS, HIDDEN).double()
    x, taught = drawn(STEPS, ROWS, INPUTS, seed=4).detach(), drawn(STEPS, ROWS, HIDDEN, seed=6).detach()
    outputs, _ = cell.scan(x, cell.initial_state(ROWS))

    with torch.no_grad():
        states = elman(by_hand(cell), x, x.new_zeros(ROWS, HIDDEN))
        found = elman_backward(by_hand(cell), x, states, taught)

    assert_equal((states[1:],), (outputs,))
    assert_equal(tuple(found.weights), learnt(cell, (outputs * taught).sum()))


def test_the_cell_of_the_lstm_learns_as_by_hand() -> None:
    cell = LSTM(INPUTS, HIDDEN).double()
    x, taught = drawn(STEPS, ROWS, INPUTS, seed=4).detach(), drawn(STEPS, ROWS, HIDDEN, seed=6).detach()
    outputs, _ = cell.scan(x, cell.initial_state(ROWS))

    with torch.no_grad():
        trace = lstm(by_hand(cell), x, x.new_zeros(ROWS, HIDDEN), x.new_zeros(ROWS, HIDDEN))
        found = lstm_backward(by_hand(cell), x, trace, taught)

    assert_equal((trace.hidden[1:],), (outputs,))
    assert_equal(tuple(found.weights), learnt(cell, (outputs * taught).sum()))
