"""Backpropagation through time, derived in docs/gradients.md and written out by hand for Elman's network and the LSTM.

Nothing is trained with it: autograd gives the same gradients (tests/docs/test_by_hand.py) from the forward pass alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Weights(NamedTuple):
    """``a = x W + h U + b``; G is 1 for Elman and 4 for the LSTM, whose columns are i, f, o, g. Also their gradient."""

    input: Tensor  # W (F, G·H)
    recurrent: Tensor  # U (H, G·H)
    bias: Tensor  # b (G·H,)


class ElmanGradient(NamedTuple):
    """Of a loss, by all that decides it."""

    weights: Weights
    x: Tensor  # (T, B, F)
    hidden: Tensor  # (B, H), by the state before the first step


class LSTMTrace(NamedTuple):
    """What the way forward leaves for the way back."""

    hidden: Tensor  # h_0 ... h_T (T + 1, B, H)
    memory: Tensor  # C_0 ... C_T (T + 1, B, H)
    gates: Tensor  # i, f, o, g after their nonlinearities (T, B, 4H)


class LSTMGradient(NamedTuple):
    """Of a loss, by all that decides it."""

    weights: Weights
    x: Tensor  # (T, B, F)
    hidden: Tensor  # (B, H), by the state before the first step
    memory: Tensor  # (B, H)


def elman(weights: Weights, x: Tensor, hidden: Tensor) -> Tensor:
    """``h_t = tanh(x_t W + h_{t-1} U + b)``. x: (T, B, F), hidden: (B, H) -> h_0 ... h_T (T + 1, B, H)."""
    states = [hidden]
    for moment in x:
        states.append(torch.tanh(moment @ weights.input + states[-1] @ weights.recurrent + weights.bias))
    return torch.stack(states)


def elman_backward(
    weights: Weights, x: Tensor, states: Tensor, output_gradient: Tensor, window: int | None = None
) -> ElmanGradient:
    """Carry the errors back through time.

    Args:
        weights: as on the way forward.
        x: (T, B, F).
        states: (T + 1, B, H), what `elman` returned.
        output_gradient: (T, B, H), of the loss by each h_t, as far as it does not pass through later steps.
        window: steps after which no error is passed on; without it, all are.
    """
    error = torch.empty_like(output_gradient)  # dL/da_t
    passed = torch.zeros_like(states[0])  # dL/dh_t by way of step t + 1
    for t in reversed(range(len(x))):
        if _is_cut(t, window):
            passed = torch.zeros_like(passed)
        error[t] = (1 - states[t + 1] ** 2) * (output_gradient[t] + passed)  # tanh' = 1 - tanh^2
        passed = error[t] @ weights.recurrent.T
    return ElmanGradient(_summed(x, states[:-1], error), error @ weights.input.T, passed)


def lstm(weights: Weights, x: Tensor, hidden: Tensor, memory: Tensor) -> LSTMTrace:
    """``C_t = f C_{t-1} + i g``, ``h_t = o tanh(C_t)``. x: (T, B, F), hidden and memory: (B, H)."""
    size = hidden.shape[-1]
    states, memories, gates = [hidden], [memory], []
    for moment in x:
        a = moment @ weights.input + states[-1] @ weights.recurrent + weights.bias
        gate, candidate = torch.sigmoid(a[:, : 3 * size]), torch.tanh(a[:, 3 * size :])
        i, f, o = gate.chunk(3, dim=-1)
        memories.append(f * memories[-1] + i * candidate)
        states.append(o * torch.tanh(memories[-1]))
        gates.append(torch.cat((gate, candidate), -1))
    return LSTMTrace(torch.stack(states), torch.stack(memories), torch.stack(gates))


def lstm_backward(
    weights: Weights, x: Tensor, trace: LSTMTrace, output_gradient: Tensor, window: int | None = None
) -> LSTMGradient:
    """Carry the errors back through time, on two roads: h through the weights, C through the forget gate alone.

    Args:
        weights: as on the way forward.
        x: (T, B, F).
        trace: what `lstm` returned.
        output_gradient: (T, B, H), of the loss by each h_t, as far as it does not pass through later steps.
        window: steps after which no error is passed on; without it, all are.
    """
    error = torch.empty_like(trace.gates)  # dL/da_t, in the order of the gates
    passed, carried = torch.zeros_like(trace.hidden[0]), torch.zeros_like(trace.memory[0])  # dL/dh_t, dL/dC_t
    for t in reversed(range(len(x))):
        if _is_cut(t, window):
            passed, carried = torch.zeros_like(passed), torch.zeros_like(carried)
        i, f, o, g = trace.gates[t].chunk(4, dim=-1)
        of_hidden = output_gradient[t] + passed
        read = torch.tanh(trace.memory[t + 1])
        of_memory = carried + of_hidden * o * (1 - read**2)
        of_gates = (of_memory * g, of_memory * trace.memory[t], of_hidden * read, of_memory * i)
        slopes = (i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2)  # sigmoid' = sigmoid (1 - sigmoid)
        error[t] = torch.cat([of_gate * slope for of_gate, slope in zip(of_gates, slopes, strict=True)], -1)
        passed, carried = error[t] @ weights.recurrent.T, of_memory * f
    return LSTMGradient(_summed(x, trace.hidden[:-1], error), error @ weights.input.T, passed, carried)


def _is_cut(t: int, window: int | None) -> bool:
    """Whether step ``t`` is the last of a window."""
    return window is not None and (t + 1) % window == 0


def _summed(x: Tensor, before: Tensor, error: Tensor) -> Weights:
    """The same weights act at every step, so their gradient is a sum over all of them."""
    return Weights(torch.einsum("tbf,tbg->fg", x, error), torch.einsum("tbh,tbg->hg", before, error), error.sum((0, 1)))
