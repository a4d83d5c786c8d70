"""The curve of counts: how many readings go beyond every edge of the bins, with a fitted tail where few ever did."""

import torch
from torch import Tensor

from models.calibration.bins import BINS, edges

FEW, MANY = 8.0, 64.0  # counts beyond: from fewer than the first on, the tail is fitted between the two
FLATTEST, STEEPEST = 0.25, 4.0  # of a fitted tail, decades of counts a decade; 1 where surprise is what it says


def counts_beyond(counts: Tensor) -> Tensor:
    """How many lie at or beyond each edge. counts: (..., BINS) -> (..., BINS + 1), falling to 0.

    A count that was moved out of a bin where it has faded meanwhile leaves a little less than nothing behind.
    """
    beyond = counts.flip(-1).cumsum(-1).cummax(-1).values.flip(-1)
    return torch.nn.functional.pad(beyond, (0, 1))


def fitted(beyond: Tensor) -> Tensor:
    """The logarithm (base 10) of the counts beyond each edge, exponential where the counts are few.

    beyond: (..., BINS + 1) float64, falling -> the same shape, falling, finite. With fewer than `FEW` counts in all
    there is nothing to fit, and the tail falls as that of a calibrated surprise does: a decade a decade.
    """
    where = edges(beyond.device)
    last_sure, last_many = (((beyond >= least).sum(-1, keepdim=True) - 1).clamp_min(0) for least in (FEW, MANY))
    near = torch.where(last_many < last_sure, last_many, (last_sure - 1).clamp_min(0))
    known = torch.log10(beyond.clamp_min(1e-3))
    drop = known.gather(-1, near) - known.gather(-1, last_sure)
    slope = drop / (where[last_sure] - where[near]).clamp_min(1e-9)
    slope = torch.where(beyond[..., :1] < FEW, 1.0, slope.clamp(FLATTEST, STEEPEST))
    extrapolated = known.gather(-1, last_sure) - slope * (where - where[last_sure])
    is_tail = torch.arange(BINS + 1, device=beyond.device) > last_sure
    return torch.where(is_tail, extrapolated, known)


def level_at(log_beyond: Tensor, count: Tensor) -> Tensor:
    """The level that so many go beyond: the inverse of a fitted curve. log_beyond: (..., BINS + 1), count: (...).

    -> (...) float64 decades, 0 where fewer ever came than ``count``, the reach of the bins at most.
    """
    wanted = torch.log10(count.clamp_min(1e-300)).unsqueeze(-1)
    right = (log_beyond > wanted).sum(-1, keepdim=True).clamp(1, BINS)  # the first edge that no more than these pass
    above, below = log_beyond.gather(-1, right - 1), log_beyond.gather(-1, right)
    share = ((above - wanted) / (above - below).clamp_min(1e-12)).clamp(0, 1)
    where = edges(log_beyond.device)
    return torch.lerp(where[right - 1], where[right], share).squeeze(-1)


def is_extrapolated(beyond: Tensor, count: Tensor) -> Tensor:
    """Whether the level that ``count`` go beyond lies in the fitted tail. beyond: (..., BINS + 1), count: (...)."""
    return (count < FEW) | (beyond[..., 0] < FEW)
