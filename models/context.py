"""The context of a reading: all that a step is told of it beside its values."""

from typing import NamedTuple

import torch
from torch import Tensor


class Context(NamedTuple):
    """When a reading came, and by what rule it is judged, one a row."""

    elapsed_seconds: Tensor  # (B,) float32 since the reading before, NaN for a first one
    calendar: Tensor  # (B, 2) float32, phases of day and week, local time
    rule: Tensor  # (B,) int64, which of the group's rules holds
    is_muted: Tensor  # (B,) bool: it opens no alarm, whatever its score
    tolerance: Tensor | None = None  # (B, K) float32, 1 or more: times its line is what a kind must exceed; None: 1

    @staticmethod
    def of(elapsed_seconds: Tensor, calendar: Tensor) -> "Context":
        """By the first rule, and not muted."""
        first = torch.zeros_like(elapsed_seconds, dtype=torch.int64)
        return Context(elapsed_seconds, calendar, first, torch.zeros_like(first, dtype=torch.bool))
