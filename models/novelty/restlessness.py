"""Restlessness: how far a channel moves of late, and how far from its season, beside what it does all its life."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State
from models.novelty.glance import SLOWEST, Glance

FAST = 1 / 8  # rate of what is of late, per reading
CLIP = 30.0  # usual sizes, or usual moves, that one reading counts for at most
YOUNG = 64  # readings before anything is clipped
FLOOR = 1e-9  # of the value: a smaller move is rounding
TINY = 1e-12


def columns(channels: int) -> tuple[Column, ...]:
    """Mean sizes of the moves and of the distances from the season, of late and of the whole life."""
    return tuple(Column(name, torch.float32, (channels, 2)) for name in ("restless", "restless_usual"))


class Restless(NamedTuple):
    """What a reading says of moves and of the season. (B, C, 2) each."""

    ratio: Tensor  # of late / all its life
    size: Tensor  # of the reading, in units, clipped


def learn(glance: Glance, difference: Tensor, state: State) -> tuple[Restless, dict[str, Tensor]]:
    """Take in one reading a row. A first reading says nothing."""
    age = state["age"].unsqueeze(-1)
    usual = state["restless_usual"]
    size = torch.stack((difference, difference - glance.usual), -1).abs().masked_fill(age == 0, 0.0)
    floor = (state["last"].abs().float() * FLOOR).clamp_min(TINY).unsqueeze(-1)
    stride = state["stride"].unsqueeze(-1)
    limit = torch.maximum(usual, stride) * CLIP
    size = torch.minimum(size, limit.masked_fill((age < YOUNG) | (stride == 0), torch.inf))
    share = age.clamp_min(1).reciprocal()
    late = torch.lerp(state["restless"], size, share.clamp_min(FAST))
    usual = torch.lerp(usual, size, share.clamp_min(SLOWEST))
    restless = Restless(late / torch.maximum(usual, floor), size)
    return restless, {"restless": late, "restless_usual": usual}
