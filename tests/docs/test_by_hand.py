"""Backpropagation through time by hand equals autograd, whole and truncated."""

import pytest
import torch
from torch import Tensor

from docs.gradients.by_hand import Weights, elman, elman_backward, lstm, lstm_backward

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
