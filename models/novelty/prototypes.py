"""A small bank of what a channel has looked like: the nearest one tells how new its recent past is."""

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.dot import total

COUNT = 3
EVERY = 32  # readings between the first of one prototype and the first of the next
LARGEST_RATE = 0.5


class Prototypes(nn.Module):
    """Online k-means: the nearest prototype moves towards the past by ``K / n`` at reading n.

    The first pasts found the prototypes, some readings apart. MacQueen (1967) counts for each what it was nearest to;
    here all share the count of readings, which costs no state. An old bank hardly moves any more: it is a memory of
    normal, and an incident is no large part of it.
    """

    starts: Tensor  # (K,) the age at which each is founded

    def __init__(self, order: int, count: int = COUNT, every: int = EVERY) -> None:
        super().__init__()
        self.order = order
        self.count = count
        self.register_buffer("starts", torch.arange(count, dtype=torch.float32) * every, persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The prototypes, in half precision: what is remembered of a reading is at most 8."""
        return (Column("prototypes", torch.float16, (channels, self.count, self.order)),)

    def learn(self, past: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """Take in the past after one reading. past: (B, C, N) -> distance to the nearest (B, C), and the columns."""
        age = state["age"].unsqueeze(-1)
        prototypes = state["prototypes"].float()
        away = past.unsqueeze(-2) - prototypes
        distance = total(away.square()).masked_fill(self.starts >= age, torch.inf)
        nearest, which = distance.min(-1, keepdim=True)
        is_founded = self.starts == age
        is_nearest = torch.zeros_like(is_founded).scatter(-1, which, is_founded.any(-1, keepdim=True).logical_not())
        rate = (self.count / (age + 1)).clamp_max(LARGEST_RATE) * is_nearest + is_founded
        novel = nearest.squeeze(-1).masked_fill(state["age"] == 0, 0.0).sqrt()
        return novel, {"prototypes": (prototypes + rate.unsqueeze(-1) * away).half()}
