"""Exponential means of three memories, kept as their gaps to the value: where a series has lately been."""

import torch
from torch import Tensor

from models.column import Column, State
from models.experts.sight import Sight

MEMORIES = (4.0, 32.0, 256.0)  # readings


class Levels:
    """``m' = m + max(1 / tau, 1 / n) (y - m)``, kept as ``m - y``: a difference of large numbers is never taken."""

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The gaps, per channel and memory, and the share of readings that did not move."""
        return (
            Column("levels", torch.float32, (channels, len(MEMORIES))),
            Column("still", torch.float32, (channels,)),
        )

    def learn(self, sight: Sight, state: State) -> dict[str, Tensor]:
        """Take in one reading a row."""
        of_mean = 1 / sight.age.clamp_min(1)
        rate = torch.stack([of_mean.clamp_min(1 / memory) for memory in MEMORIES], -1)
        return {
            "levels": (state["levels"] - sight.difference.unsqueeze(-1)) * (1 - rate),
            "still": torch.lerp(state["still"], (sight.difference == 0).float(), of_mean.clamp_min(1 / MEMORIES[1])),
        }
