"""Tail probabilities of Student's t, in log10 and vectorised: torch's StudentT has no cdf."""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

MAX_SURPRISE = 300.0
_NODES = 8  # relative error of p below 4e-5 for 1 to 60 degrees of freedom, down to 1e-30 (tests/models/test_tail.py)
_SCALE = 4.0
_FARTHEST = 1e38  # of t / sqrt(nu): twice it is still a float32


def _quadrature() -> tuple[Tensor, Tensor]:
    """Gauss-Legendre on (0, 1), mapped to (0, inf) by ``u = -log(1 - v)``. -> nodes (K, 1), weights (K, 1)."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    v = (x + 1) / 2
    nodes, weights = -np.log1p(-v), w / 2 / (1 - v)
    return torch.tensor(nodes[:, None], dtype=torch.float32), torch.tensor(weights[:, None], dtype=torch.float32)


class StudentTail(nn.Module):
    """Two-sided tail of Student's t.

    With ``y0 = asinh(t / sqrt(nu))`` the substitution ``x = sqrt(nu) sinh(y)`` makes the tail
    ``P(|T| > t) = 2 C sqrt(nu) * integral_{y0}^{inf} cosh(y)^-nu dy``, whose integrand falls between a Gaussian and an
    exponential at a known scale, so that a few fixed nodes are enough and no branch is needed.
    """

    nodes: Tensor
    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        nodes, weights = _quadrature()
        self.register_buffer("nodes", nodes, persistent=False)
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, t: Tensor, nu: Tensor) -> Tensor:
        """Surprise ``-log10 P(|T| > |t|)``. t, nu: (...) float32, nu in 1…60 -> (...), 0…300."""
        shape, nu = t.shape, nu.reshape(-1)
        root_nu = nu.sqrt()
        u = (t.abs().reshape(-1) / root_nu).clamp_max(_FARTHEST)  # sinh y0
        cosh = torch.hypot(u, torch.ones_like(u))  # cosh y0
        y0 = torch.log(u + cosh)
        scale = _SCALE / (nu * (u / cosh) + root_nu)
        y = torch.addcmul(y0, scale, self.nodes)  # (K, B)
        log_cosh0 = torch.log(cosh)
        fallen = log_cosh0 - (y + torch.log(torch.exp(y * -2) + 1) - math.log(2))  # log of cosh y0 / cosh y
        integral = scale * (torch.exp(nu * fallen) * self.weights).sum(0)
        log_p = log_normaliser(nu) - nu * log_cosh0 + integral.log()
        return (log_p * (-1 / math.log(10))).clamp(0.0, MAX_SURPRISE).reshape(shape)


def log_normaliser(nu: Tensor) -> Tensor:
    """``log(2 C sqrt(nu))`` with C the density's constant: ``2 Gamma((nu + 1) / 2) / (sqrt(pi) Gamma(nu / 2))``."""
    return torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2) + math.log(2 / math.sqrt(math.pi))


@cache
@torch.inference_mode(mode=False)  # whoever asks first may train nothing, the next one may
@torch.no_grad()
def _half_widths(coverage: float, nodes: int) -> Tensor:
    """Of the band, by bisection, at as many steps of ``1 / nu`` from 1 / 64 to 1. -> (nodes,)."""
    nu = 1 / torch.linspace(1 / 64, 1.0, nodes, dtype=torch.float32)
    tail, surprise = StudentTail(), -math.log10(1 - coverage)
    low, high = torch.zeros_like(nu), torch.full_like(nu, 1e6)
    for _ in range(80):
        middle = (low + high) / 2
        is_inside = tail(middle, nu) < surprise
        low, high = torch.where(is_inside, middle, low), torch.where(is_inside, high, middle)
    return high


class StudentQuantile(nn.Module):
    """The half width of a central band, in standard units: ``q(nu)`` with ``P(|T| > q) = 1 - coverage``.

    Interpolated in ``1 / nu`` between exact nodes; relative error below 1e-4 for 1 to 60 degrees of freedom.
    """

    table: Tensor

    def __init__(self, coverage: float, nodes: int = 512) -> None:
        super().__init__()
        self.register_buffer("table", _half_widths(coverage, nodes), persistent=False)

    def forward(self, nu: Tensor) -> Tensor:
        """nu: (...) -> (...)."""
        last = self.table.shape[0] - 1
        position = ((nu.reciprocal() - 1 / 64) * (last / (1 - 1 / 64))).clamp(0.0, last)
        left = position.floor().clamp(max=last - 1)
        index = left.long()
        return torch.lerp(self.table[index], self.table[index + 1], position - left)
