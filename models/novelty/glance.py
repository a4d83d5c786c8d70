"""What novelty sees of one reading, and what it says of it."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import State

SLOWEST = 1 / 65_536  # of all rates of what is normal: a life, and in the end a new one


class Glance(NamedTuple):
    """One reading a row, as judged, seen before anything of it is learnt."""

    values: Tensor  # (B, C) float64
    present: Tensor  # (B, C) bool
    usual: Tensor  # (B, C) float32, what the season of the day expected, less the value before
    surprise: Tensor  # (B, C) float32, by the forecast
    weight: Tensor  # (B, C) float32 of the channels, sum 1 over those that are judged
    lively: Tensor  # (B,) how many analog channels are judged
    is_called: Tensor  # (B,) an alarm has just opened for more unrest, or for hours off the pattern of the day

    def difference(self, state: State) -> Tensor:
        """To the value before, 0 for a first reading. -> (B, C) float32."""
        return (self.values - state["last"]).float().masked_fill(state["age"] == 0, 0.0)


class Noticed(NamedTuple):
    """What a reading makes of the novelty of its series."""

    novelty: Tensor  # (B,) 0 to 1
    surge: Tensor  # (B,) how many times beyond its own record, or `surge.CALLED` for a change; 0 but at a peak
    parts: Tensor  # (B, C, P) of each channel, in the order of `Part`: 1 is about usual for the first three


def kept(seen: Tensor, learnt: dict[str, Tensor], state: State) -> dict[str, Tensor]:
    """The columns, learnt where a channel was ``seen`` alone. seen: (B, C), columns (B, C, ...)."""
    return {
        name: torch.where(seen.view(*seen.shape, *(1,) * (column.dim() - 2)), column, state[name])
        for name, column in learnt.items()
    }
