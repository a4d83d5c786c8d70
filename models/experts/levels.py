"""Exponential means of three memories, kept as their gaps to the value: where a series has lately been."""

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.sight import Sight

MEMORIES = (4.0, 32.0, 256.0)  # readings
CLIP = 8.0  # usual errors: more of one reading is not learnt, but what keeps coming soon is usual
YOUNG = 16.0  # readings before anything is clipped


class Levels(nn.Module):
    """``m' = m + max(1 / tau, 1 / n) clip(y - m)``, kept as ``m - y``: a difference of large numbers is never taken."""

    slowest: Tensor  # (M,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slowest", 1 / torch.tensor(MEMORIES), persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The gaps, per channel and memory, and the share of readings that did not move."""
        return (
            Column("levels", torch.float32, (channels, len(MEMORIES))),
            Column("still", torch.float32, (channels,)),
        )

    def learn(self, sight: Sight, usual: Tensor, state: State) -> dict[str, Tensor]:
        """Take in one reading a row. usual: (B, C) the size of a usual error of such a mean."""
        rate = torch.maximum(sight.share.unsqueeze(-1), self.slowest) * sight.weight.unsqueeze(-1)
        gap = state["levels"] - sight.difference.unsqueeze(-1)
        limit = (usual * CLIP).masked_fill(sight.age <= YOUNG, torch.inf).unsqueeze(-1)
        return {
            "levels": gap - rate * torch.minimum(torch.maximum(gap, -limit), limit),
            "still": torch.lerp(state["still"], (sight.difference == 0).float(), rate[..., 1]),
        }
