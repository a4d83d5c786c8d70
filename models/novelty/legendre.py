"""A compressed recent past: the projection of what came of late onto a few Legendre polynomials."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.column import Column, State
from models.experts.dot import dot

ORDER = 4
WINDOW = 128.0  # readings
_TERMS = 32  # of the series of the matrix exponential, whose argument is small


class Legendre(nn.Module):
    """The Legendre memory unit (Voelker et al., 2019), held over one reading, in an orthonormal basis.

    ``m' = A m + B u`` is the exact solution over one step of ``window dm/dt = F m + G u``, with
    ``F_ij = (2i + 1) (-1 if i < j else (-1)^(i - j + 1))`` and ``G_i = (2i + 1) (-1)^i``; then coefficient i is divided
    by ``sqrt(2i + 1)``, so that the distance of two memories is that of the two pasts, root mean square.
    """

    kept: Tensor  # (N, N)
    taken: Tensor  # (N,)

    def __init__(self, order: int = ORDER, window: float = WINDOW) -> None:
        super().__init__()
        self.order = order
        kept, taken = _step(order, window)
        self.register_buffer("kept", torch.tensor(kept, dtype=torch.float32), persistent=False)
        self.register_buffer("taken", torch.tensor(taken, dtype=torch.float32), persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The coefficients."""
        return (Column("past", torch.float32, (channels, self.order)),)

    def learn(self, place: Tensor, state: State) -> Tensor:
        """Take in one reading. place: (B, C) -> the coefficients (B, C, N)."""
        return dot(self.kept, state["past"].unsqueeze(-2)) + place.unsqueeze(-1) * self.taken


def _step(order: int, window: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A and B, by the exponential of ``[[F, G], [0, 0]] / window``. -> (N, N), (N,)."""
    i, j = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    flow = np.zeros((order + 1, order + 1))
    flow[:order, :order] = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    flow[:order, order] = (2 * i[:, 0] + 1) * (-1.0) ** i[:, 0]
    flow /= window
    power = whole = np.eye(order + 1)
    for term in range(1, _TERMS):
        power = power @ flow / term
        whole = whole + power
    norm = 1 / np.sqrt(2 * np.arange(order) + 1)
    return whole[:order, :order] * norm[:, None] / norm, whole[:order, order] * norm
