"""The normal of a channel: mean and deviation of its whole life, and how it has varied of late beside them."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State
from models.novelty.glance import SLOWEST

NEAR = 1 / 96  # rate of the deviation of late, per reading
LEVEL = 1 / 128  # rate of the level of late: that of the scaler's far level
CLIP = 30.0  # deviations, or usual moves, that one reading counts for at most
YOUNG = 64  # readings before anything is clipped
EARLY = 8  # readings before a deviation means anything
FARTHEST = 8.0  # deviations, of what is remembered of a reading
FLOOR = 1e-7  # of the value: a smaller deviation is rounding
TINY = 1e-12


class Standing(NamedTuple):
    """Where a reading leaves its channel. All (B, C) float32."""

    place: Tensor  # of the reading: its distance from the mean, in deviations, -8 to 8
    spread: Tensor  # the deviation of late around the level of late / that of the whole life
    level: Tensor  # the level of late less the mean, in deviations


def columns(channels: int) -> tuple[Column, ...]:
    """The mean of the whole life less the last value, the variance around it, and that of late."""
    names = ("normal_gap", "normal_variance", "near_variance")
    return tuple(Column(name, torch.float32, (channels,)) for name in names)


def learn(difference: Tensor, state: State) -> tuple[Standing, dict[str, Tensor]]:
    """Take in one reading a row. difference: (B, C), to the value before.

    ``d = y - mean``, clipped at ten deviations; ``mean += d / n``, ``variance = (1 - 1 / n) (variance + d^2 / n)``:
    Welford's sums as West (1979) has them for a rate, here down to the slowest one.
    """
    age = state["age"]
    share = 1 / (age + 1)
    rate = share.clamp_min(SLOWEST)
    floor = (state["last"].abs().float() * FLOOR).clamp_min(TINY)
    known = torch.maximum(state["normal_variance"].sqrt(), floor)
    limit = (torch.maximum(known, state["stride"]) * CLIP).masked_fill(
        (age < YOUNG) | (state["stride"] == 0), torch.inf
    )
    off = difference - state["normal_gap"]
    learnt = torch.clamp(off, -limit, limit)
    variance = (1 - rate) * (state["normal_variance"] + rate * learnt.square())
    near = difference - state["far_gap"]  # to the level before
    near_rate = share.clamp_min(NEAR)
    varied = torch.clamp(near, -limit, limit).square()
    near_variance = (1 - near_rate) * (state["near_variance"] + near_rate * varied)
    gap = rate * learnt - off
    deviation = torch.maximum(variance.sqrt(), floor)
    standing = Standing(
        place=(off / known).clamp(-FARTHEST, FARTHEST).masked_fill(age < EARLY, 0.0),
        spread=near_variance.sqrt() / deviation,
        level=-(near * (1 - share.clamp_min(LEVEL)) + gap) / deviation,
    )
    return standing, {"normal_gap": gap, "normal_variance": variance, "near_variance": near_variance}
