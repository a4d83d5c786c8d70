"""The fixed bins in which statistics are counted: narrow where most readings are, wider the further out."""

import math
from functools import cache

import torch
from torch import Tensor

from models.tail import MAX_SURPRISE

BINS = 400
REACH = MAX_SURPRISE  # decades: of a statistic beyond it, no more is told
PER_FOLD = BINS / math.log1p(REACH)  # a bin is .014 decades wide at 0, .07 at 4 and .3 at 20


def position(decades: Tensor) -> Tensor:
    """Where a statistic lies, in bins: its whole part is the bin. (...) -> (...), 0…BINS."""
    return torch.log1p(decades.clamp(0, REACH)) * PER_FOLD


def bin_of(decades: Tensor) -> Tensor:
    """The bin of a statistic. (...) -> (...) int64, 0…BINS - 1."""
    return position(decades).long().clamp_max(BINS - 1)


@cache
@torch.inference_mode(False)  # what is kept may be needed in training
def edges(device: torch.device | str = "cpu") -> Tensor:
    """The lower edge of every bin, and the upper one of the last. -> (BINS + 1,) float64 decades."""
    return torch.expm1(torch.arange(BINS + 1, dtype=torch.float64, device=device) / PER_FOLD)
