"""The linear recurrence ``h_t = a_t * h_{t-1} + b_t``, elementwise, over a whole sequence at once.

Its form is plain: a sum of logarithms, as minGRU's authors have it, loses three digits more at T = 32,768.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CHUNK = 16  # steps; of 8, 16, 32 and 64 the fastest for most sequences of 128 to 2,048 on one core


def linear_scan(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """All states of the recurrence, real or complex. a, b: (T, ...), h0: (...), the state before -> (T, ...)."""
    states: Tensor = _LinearScan.apply(a, b, h0)  # type: ignore[no-untyped-call]
    return states


def linear_scan_slowly(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """The reference for `linear_scan`: one step after the other."""
    states, h = [], h0
    for now, new in zip(a, b, strict=True):
        h = now * h + new
        states.append(h)
    return torch.stack(states)


class _LinearScan(Function):
    """The gradient of the recurrence is the same recurrence, backwards in time.

    With ``g_t`` the gradient of all that follows with respect to ``h_t``: ``g_t = dh_t + a_{t+1}* g_{t+1}``; then
    ``db_t = g_t``, ``da_t = g_t h_{t-1}*`` and ``dh_0 = a_1* g_1``, where the star is the complex conjugate.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
        states = _chunked(a, b, h0)
        ctx.save_for_backward(a, h0, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, from_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, h0, states = ctx.saved_tensors
        later = a.roll(-1, 0).flip(0).conj()  # the first of them, a_1, meets a state of zero
        g = _chunked(later, from_states.flip(0), torch.zeros_like(h0)).flip(0)
        before = torch.cat((h0.unsqueeze(0), states[:-1]))
        return g * before.conj(), g, a[0].conj() * g[0]


def _chunked(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """Step through all chunks at once, twice: from zero to find where each one starts, and from there.

    T / 16 + 32 operations on tensors instead of T; of its start a chunk keeps the product of its ``a``.
    """
    length = b.shape[0]
    a, b = _in_chunks(a, 1.0), _in_chunks(b, 0.0)  # (T / CHUNK, CHUNK, ...)
    end, kept = b[:, 0], a[:, 0]
    for t in range(1, CHUNK):
        end, kept = torch.addcmul(b[:, t], a[:, t], end), kept * a[:, t]
    starts, start = [], h0
    for of_chunk, share in zip(end, kept, strict=True):
        starts.append(start)
        start = torch.addcmul(of_chunk, share, start)
    states, h = torch.empty_like(b), torch.stack(starts)
    for t in range(CHUNK):
        h = torch.addcmul(b[:, t], a[:, t], h, out=states[:, t])
    return states.flatten(0, 1)[:length]


def _in_chunks(x: Tensor, filling: float) -> Tensor:
    missing = -len(x) % CHUNK
    filled = torch.cat((x, x.new_full((missing, *x.shape[1:]), filling))) if missing else x
    return filled.reshape(-1, CHUNK, *x.shape[1:])
