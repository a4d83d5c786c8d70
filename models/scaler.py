"""The running scale and level of every channel: what makes one set of weights fit all units.

The scale is a robust mean of absolute differences: a difference counts for at most `CLIP` scales, so that an outlier
cannot hide the next one. All level arithmetic is in float64: in float32 a counter at 1.7e9 has only zero differences.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

FAST, SLOW = 1 / 64, 1 / 512  # rates of the scale and of the memory that floors it (research: zero-shot recipe)
NEAR, FAR = 1 / 16, 1 / 128  # rates of the two levels
PRIOR_RATIO = 0.02  # of the first value: the scale before any difference was seen
SLOW_RATIO = 0.05  # of the slow scale: the floor of the fast one
LEVEL_RATIO = 1e-5  # of the level: the floor of a series that was flat for ever
TINY = 1e-12
CLIP = 5.0
UNCLIPPED_READINGS = 8  # the prior may be far off, so the first differences count in full


class Scaled(NamedTuple):
    """One reading in units of its series' scale as it was before the reading. All (B, C) float32."""

    difference: Tensor  # to the value before
    scale: Tensor  # in the unit of the judged value
    near_gap: Tensor  # short level - value before
    far_gap: Tensor  # long level - value before
    ratio: Tensor  # log of slow scale / fast scale


def columns(channels: int) -> tuple[Column, ...]:
    """Level and scale per channel. ``age`` counts the readings that were judged."""
    shape = (channels,)
    return (
        Column("last", torch.float64, shape),
        Column("scale", torch.float32, shape),
        Column("slow_scale", torch.float32, shape),
        Column("near_gap", torch.float32, shape),  # short exponential mean - last value
        Column("far_gap", torch.float32, shape),
        Column("age", torch.float32, shape),
    )


def floored_scale(state: State) -> Tensor:
    """The scale to judge by. -> (B, C) float32."""
    floor = torch.maximum(state["slow_scale"] * SLOW_RATIO, (state["last"].abs() * LEVEL_RATIO).float())
    return torch.maximum(state["scale"], floor).clamp_min(TINY)


def update(values: Tensor, seen: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one reading a row where ``seen``. values: (B, C) float64, seen: (B, C) -> the columns."""
    age = state["age"]
    is_first = age == 0
    difference = (values - state["last"]).float().masked_fill(is_first, 0.0)
    prior = (values.abs() * PRIOR_RATIO).float()
    limit = (floored_scale(state) * CLIP).masked_fill(age < UNCLIPPED_READINGS, torch.inf)
    size = torch.where(is_first, prior, torch.minimum(difference.abs(), limit))
    share = 1 / (age + 1)  # of this reading in a plain mean: 1 for the first
    learnt = {
        "last": values,
        "scale": torch.lerp(state["scale"], size, share.clamp_min(FAST)),
        "slow_scale": torch.lerp(state["slow_scale"], size, share.clamp_min(SLOW)),
        "near_gap": (state["near_gap"] - difference) * (1 - share.clamp_min(NEAR)),
        "far_gap": (state["far_gap"] - difference) * (1 - share.clamp_min(FAR)),
        "age": age + 1,
    }
    return {name: torch.where(seen, column, state[name]) for name, column in learnt.items()}
