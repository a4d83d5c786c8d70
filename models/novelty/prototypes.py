"""A small bank of what a channel has looked like: the nearest one tells how new its recent past is."""

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.dot import total

COUNT = 4
EVERY = 32  # readings between the first of one prototype and the first of the next
MOST = 32_767  # pasts that one is the mean of


class Prototypes(nn.Module):
    """Online k-means (MacQueen, 1967): the nearest prototype moves towards the past by one part in its count.

    The first pasts found the prototypes, some readings apart. A mean of all it was ever nearest to hardly moves any
    more once it is old: it is a memory of normal, and an incident is no large part of it.
    """

    starts: Tensor  # (K,) the age at which each is founded

    def __init__(self, order: int, count: int = COUNT, every: int = EVERY) -> None:
        super().__init__()
        self.order = order
        self.count = count
        self.register_buffer("starts", torch.arange(count, dtype=torch.float32) * every, persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The prototypes, and of how many pasts each is the mean."""
        return (
            Column("prototypes", torch.float16, (channels, self.count, self.order)),
            Column("prototype_pasts", torch.int16, (channels, self.count)),
        )

    def learn(self, past: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """Take in the past after one reading. past: (B, C, N) -> distance to the nearest (B, C), and the columns."""
        pasts, prototypes = state["prototype_pasts"], state["prototypes"].float()
        away = past.unsqueeze(-2) - prototypes
        distance = total(away.square()).masked_fill(pasts == 0, torch.inf)
        nearest, which = distance.min(-1, keepdim=True)
        founded = self.starts == state["age"].unsqueeze(-1)
        taught = torch.zeros_like(founded).scatter(-1, which, pasts.amax(-1, keepdim=True) > 0)
        taught = torch.where(founded.any(-1, keepdim=True), founded, taught)
        pasts = pasts + (taught & (pasts < MOST))
        rate = (taught / pasts.clamp_min(1)).unsqueeze(-1)
        novel = torch.where(nearest.isfinite(), nearest, 0.0).squeeze(-1).sqrt()
        return novel, {"prototypes": (prototypes + rate * away).half(), "prototype_pasts": pasts}
