"""The linear recurrence ``h_t = a_t * h_{t-1} + b_t``, elementwise, over a whole sequence at once.

Its form is plain: a sum of logarithms, as minGRU's authors have it, loses three digits more at T = 32,768.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CHUNK = 16  # steps; of 8, 16, 32 and 64 the fastest, forward and backward, for sequences of 128 to 2,048 on one core


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
        later = torch.cat((a[1:].conj(), torch.zeros_like(a[:1]))).flip(0)
        g = _chunked(later, from_states.flip(0), torch.zeros_like(h0)).flip(0)
        before = torch.cat((h0.unsqueeze(0), states[:-1]))
        return g * before.conj(), g, a[0].conj() * g[0]


def _chunked(a: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    """Step through all chunks at once, each from zero, then carry the states over from chunk to chunk.

    T / 16 + 16 operations on tensors instead of T: what remains of a chunk's start is the product of its ``a``.
    """
    length = b.shape[0]
    missing = -length % CHUNK
    a = torch.cat((a, a.new_ones(missing, *a.shape[1:]))).view(-1, CHUNK, *a.shape[1:])
    b = torch.cat((b, b.new_zeros(missing, *b.shape[1:]))).view(-1, CHUNK, *b.shape[1:])
    states, kept = torch.empty_like(b), torch.empty_like(a)  # (T / CHUNK, CHUNK, ...)
    states[:, 0], kept[:, 0] = b[:, 0], a[:, 0]
    for t in range(1, CHUNK):
        torch.addcmul(b[:, t], a[:, t], states[:, t - 1], out=states[:, t])
        torch.mul(a[:, t], kept[:, t - 1], out=kept[:, t])
    starts, start = [], h0
    for chunk_states, chunk_kept in zip(states[:, -1], kept[:, -1], strict=True):
        starts.append(start)
        start = torch.addcmul(chunk_states, chunk_kept, start)
    states.addcmul_(kept, torch.stack(starts).unsqueeze(1))
    return states.flatten(0, 1)[:length]
