"""The running scale and level of every channel: what makes one set of weights fit all units.

The scale is a robust mean of absolute differences: a difference counts for at most `CLIP` scales, so that an outlier
cannot hide the next one. All level arithmetic is in float64: in float32 a counter at 1.7e9 has only zero differences.
"""

import torch
from torch import Tensor

from models.column import Column, State

FAST, SLOW = 1 / 64, 1 / 512  # rates of the scale and of the memory that floors it (research: zero-shot recipe)
NEAR, FAR = 1 / 16, 1 / 128  # rates of the two levels
SLOW_RATIO = 0.05  # of the slow scale: the floor of the fast one
LEVEL_RATIO = 1e-5  # of the level: the floor of a series that was flat for ever
TINY = 1e-12
CLIP = 5.0
EARLY_READINGS = 8  # the first differences count in full, like the first after zeros: no scale is known to clip by


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
    """The scale to judge by. -> (B, C) float32, positive; `TINY` for a channel that has only ever been zero."""
    return _floored(state, state["last"].abs())


def rise(state: State) -> Tensor:
    """How much higher the near level is than the far one. -> (B, C) float32, in the unit of the value."""
    return state["near_gap"] - state["far_gap"]


def is_return(values: Tensor, state: State) -> Tensor:
    """Whether values are nearer to the near level than those before them were. values: (B, C) float64 -> (B, C)."""
    return (values - state["last"] - state["near_gap"]).abs() < state["near_gap"].abs()


def is_known(state: State, scale: Tensor) -> Tensor:
    """Whether a channel can be judged: it has a value, and has not only ever been zero. scale: floored -> (B, C)."""
    return (state["age"] > 0) & (scale > TINY)


def is_measured(state: State) -> Tensor:
    """Whether the scale is that of differences: before a channel moves, or has stood still for long, it is a guess."""
    return (state["scale"] > 0) | (state["age"] >= EARLY_READINGS)


def update(values: Tensor, seen: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one reading a row where ``seen``. values: (B, C) float64, seen: (B, C) -> the columns."""
    age = state["age"]
    difference = (values - state["last"]).float().masked_fill(age == 0, 0.0)
    level = torch.minimum(state["last"].abs(), values.abs())  # of a spike and its return the smaller one is the level
    floored = _floored(state, level)
    limit = (floored * CLIP).masked_fill((age < EARLY_READINGS) | (floored <= TINY), torch.inf)
    size = torch.minimum(difference.abs(), limit)
    of_differences, of_values = age.clamp_min(1).reciprocal(), (age + 1).reciprocal()  # its weight in a plain mean
    learnt = {
        "last": values,
        "scale": torch.lerp(state["scale"], size, of_differences.clamp_min(FAST)),
        "slow_scale": torch.lerp(state["slow_scale"], size, of_differences.clamp_min(SLOW)),
        "near_gap": (state["near_gap"] - difference) * (1 - of_values.clamp_min(NEAR)),
        "far_gap": (state["far_gap"] - difference) * (1 - of_values.clamp_min(FAR)),
        "age": age + 1,
    }
    return {name: torch.where(seen, column, state[name]) for name, column in learnt.items()}


def _floored(state: State, level: Tensor) -> Tensor:
    scale, level = state["scale"], level.float()
    guess = torch.where(is_measured(state), level * LEVEL_RATIO, level)  # of one that has not moved nothing is known
    return torch.maximum(torch.maximum(scale, state["slow_scale"] * SLOW_RATIO), guess).clamp_min(TINY)
