"""The context of a reading: all that a step is told of it beside its values."""

from typing import NamedTuple

import torch
from torch import Tensor


class Context(NamedTuple):
    """When a reading came, and by what rules it is judged, one a row."""

    elapsed_seconds: Tensor  # (B,) float32 since the reading before, NaN for a first one
    calendar: Tensor  # (B, 2) float32, phases of day and week, local time
    rule: Tensor  # (B, C) int64, which of the group's rules holds for a channel; (B, 1) for all of them
    is_muted: Tensor  # (B,) bool: it opens no alarm, whatever its score
    learns: Tensor | None = None  # (B,) bool: it is learnt from and not only judged; None: every one is
    tolerance: Tensor | None = None  # (B, K) float32, 1 or more: times its line is what a kind must exceed; None: 1

    @staticmethod
    def of(elapsed_seconds: Tensor, calendar: Tensor) -> "Context":
        """By no rule, and not muted."""
        is_muted = torch.zeros_like(elapsed_seconds, dtype=torch.bool)
        return Context(elapsed_seconds, calendar, is_muted.long().unsqueeze(1), is_muted)
