"""The prior of a pool as an artifact holds it: counts of surprise on held-out readings, in even bins."""

import torch
from torch import Tensor

from models.calibration.bins import edges

BINS = 400
BIN_WIDTH = 0.05  # decades: 400 bins reach p = 1e-20


def counted(surprise: Tensor) -> Tensor:
    """Count readings. surprise: (N,) decades -> (BINS,) int64."""
    return torch.bincount((surprise / BIN_WIDTH).long().clamp(0, BINS - 1), minlength=BINS)


def shares(prior: Tensor) -> Tensor:
    """The share of readings in each bin of a pool, every bin of the prior evenly spread. (BINS,) -> float64."""
    within = torch.nn.functional.pad(prior.double().cumsum(0), (1, 0)) / prior.sum()
    at = (edges(prior.device) / BIN_WIDTH).clamp_max(BINS)
    left = at.long().clamp_max(BINS - 1)
    return torch.lerp(within[left], within[left + 1], at - left).diff()
