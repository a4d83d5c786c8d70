"""Heads: what turns a cell's output into a predictive distribution."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.cells import TiledLinear

MIN_LOG_SCALE, MAX_LOG_SCALE = -6.0, 7.0  # a first scale is a guess: it may be off by a thousand
SATURATION = 8.0  # scales beyond which a network sees little more: an outlier must not poison the hidden state
LARGEST = 1e30  # what is squashed: infinity over infinity is no number
MIN_FREEDOM, MAX_FREEDOM = 2.0, 60.0


class StudentT(NamedTuple):
    """A Student-t distribution per row, in units of the series' own scale."""

    location: Tensor  # (...)
    log_scale: Tensor  # (...)
    freedom: Tensor  # (...) degrees of freedom


class StudentTHead(nn.Module):
    """``W y + b``, kept as it is; `distribution` squashes it when the reading it forecasts is there to be judged."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.linear = TiledLinear(hidden, 3)

    def forward(self, y: Tensor) -> Tensor:
        """y: (B, H) -> (B, 3), raw."""
        raw: Tensor = self.linear(y)
        return raw

    @staticmethod
    def distribution(raw: Tensor) -> StudentT:
        """raw: (..., 3) -> location, log scale and degrees of freedom, (...) each and within their bounds."""
        location, log_scale, freedom = raw.unbind(-1)
        return StudentT(
            location,
            log_scale.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE),
            MIN_FREEDOM + (MAX_FREEDOM - MIN_FREEDOM) * torch.sigmoid(freedom - 2),
        )


def student_t_nll(z: Tensor, log_scale: Tensor, freedom: Tensor) -> Tensor:
    """Negative log-likelihood of ``z = (x - location) / scale``, without the constant of the units. (...) -> (...)."""
    log_constant = torch.lgamma((freedom + 1) / 2) - torch.lgamma(freedom / 2) - 0.5 * torch.log(freedom * torch.pi)
    return log_scale - log_constant + (freedom + 1) / 2 * torch.log1p(z * z / freedom)


def squash(x: Tensor) -> Tensor:
    """``x / (1 + |x| / SATURATION)``: near the identity for small x, bounded by the saturation, for infinite x too."""
    x = x.clamp(-LARGEST, LARGEST)
    return x / (1 + x.abs() / SATURATION)
