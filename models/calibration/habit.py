"""The habit of a channel: how far out its own readings go, so that counts and bursty ones are not always rare.

Pooled calibration makes the readings of a partition uniform together; a series of another kind than the others would
spend the budget of all. Above p = .1 the surprise of each channel is therefore counted in its own tail, which is taken
to be exponential.
"""

import math

import torch
from torch import Tensor

from models.column import Column, State

KNEE = 1.0  # of surprise: one reading in ten is beyond, where forecasts are right
RATE, MEAN = 0.1, 0.1 / math.log(10)  # of such readings, and of what they are beyond it by, then
YOUNG, LONG = 200.0, 2000.0  # readings that what is right counts for at first, and that are remembered
MOST = 10.0  # decades that one reading teaches: a spike must not hide the next one
LEAST_RATE = 0.01
LEAST_EXCESS, MOST_EXCESS = 0.3, 30.0  # decades; an exact forecast has .43


def columns(channels: int) -> tuple[Column, ...]:
    """The share of readings beyond the knee, and the mean of what all are beyond it by, in decades."""
    return (
        Column("habit_rate", torch.float32, (channels,), initial=RATE),
        Column("habit_mean", torch.float32, (channels,), initial=MEAN),
    )


def tempered(surprise: Tensor, state: State) -> Tensor:
    """The surprise in the series' own tail, which rises with the raw one. (B, C) -> (B, C).

    With ``q`` the share beyond the knee and ``e`` the mean excess there: ``-log10 q + (s - 1) / (e ln 10)``,
    which is ``s`` for an exact forecast; below the knee in proportion.
    """
    rate = state["habit_rate"].clamp_min(LEAST_RATE)
    excess = (state["habit_mean"] / rate).clamp(LEAST_EXCESS, MOST_EXCESS)
    at_knee = -torch.log10(rate)
    beyond = (surprise - KNEE).clamp_min(0) / (excess * math.log(10))
    return surprise.clamp_max(KNEE) * at_knee + beyond


def update(surprise: Tensor, is_judged: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one raw surprise a row. surprise, is_judged: (B, C), and the age before this reading."""
    rate = (state["age"] + YOUNG).reciprocal().clamp_min(1 / LONG) * is_judged
    excess = (surprise - KNEE).clamp(0, MOST)
    return {
        "habit_rate": torch.lerp(state["habit_rate"], (surprise > KNEE).float(), rate),
        "habit_mean": torch.lerp(state["habit_mean"], excess, rate),
    }
