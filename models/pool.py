"""The pool: counts of raw surprise of one group in one source partition, by which a later reading is judged.

A reading is judged by the last *closed* epoch; the open one only counts. The line is a fixed tail probability here.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.outcome import Outcome

BINS = 400
BIN_WIDTH = 0.05  # of surprise, in decades: 400 bins reach p = 1e-20


@dataclass(frozen=True, slots=True)
class Pool:
    """Counts by bin of surprise, int64 (BINS,), and the line in surprise."""

    closed: Tensor  # up to the end of the last closed epoch
    open: Tensor  # of the epoch that goes on
    line: float
    epoch: int = 0

    @staticmethod
    def fresh(tail_probability: float, prior: Tensor | None = None) -> "Pool":
        """A pool before its first epoch, where ``prior`` is: the artifact's counts."""
        closed = torch.zeros(BINS, dtype=torch.int64) if prior is None else prior.clone()
        line = -torch.log10(torch.tensor(tail_probability, dtype=torch.float64)).item()
        return Pool(closed, torch.zeros_like(closed), line)


def fold(pool: Pool, outcome: Outcome) -> Pool:
    """Count the channels of judged readings in the open epoch. Judging never does this by the way."""
    surprise = outcome.surprise[outcome.is_judged]
    bins = (surprise / BIN_WIDTH).long().clamp(0, BINS - 1)
    return replace(pool, open=pool.open + torch.bincount(bins, minlength=BINS).to(pool.open.device))


def close_epoch(pool: Pool) -> Pool:
    """End the epoch: what it counted is what the next one is judged by."""
    return Pool(pool.closed + pool.open, torch.zeros_like(pool.open), pool.line, pool.epoch + 1)
