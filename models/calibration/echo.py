"""The echo of a channel: how wide its scores are, and how much of one is heard in the next.

A pool makes the scores of a group normal together. A channel that is always wider, or goes in waves, would win bets
for being what it is: a bet is made on scores in the channel's own width, and is worth less where one says the next.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

RATE = 1 / 256  # of what is learnt, a reading that moved
YOUNG = 32.0  # readings that a channel counts as usual for in the beginning
CLIP = 3.0  # standard deviations of one score, as it is learnt
NARROWEST, WIDEST = 0.25, 4.0  # mean squares
MOST_ALIKE = 0.95


class Echo(NamedTuple):
    """By what a channel's bets are measured. All (B, C)."""

    power: Tensor  # mean square of its scores
    memory: Tensor  # (1 + r) / (1 - r) with r the correlation of a score with the one before: 1 where there is none


def columns(channels: int) -> tuple[Column, ...]:
    """Mean square of the scores, mean product of two in a row, and the last one, of each channel."""
    return (
        Column("score_power", torch.float32, (channels,), initial=1.0),
        Column("score_echo", torch.float32, (channels,)),
        Column("last_score", torch.float32, (channels,)),
    )


def echo_of(state: State) -> Echo:
    """What the next bets are to be measured by.

    A sum of n scores with correlation r spreads as that of ``n (1 - r) / (1 + r)`` independent ones does: so much less
    is each of them worth.
    """
    power = state["score_power"].clamp(NARROWEST, WIDEST)
    alike = (state["score_echo"] / power).clamp(0.0, MOST_ALIKE)
    return Echo(power, (1 + alike) / (1 - alike))


def update(score: Tensor, moved: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one normal score a channel where it ``moved``. (B, C) each, and the age before this reading."""
    rate = (state["age"] + YOUNG).reciprocal().clamp_min(RATE) * moved
    clipped = score.clamp(-CLIP, CLIP)
    return {
        "score_power": torch.lerp(state["score_power"], clipped * clipped, rate),
        "score_echo": torch.lerp(state["score_echo"], clipped * state["last_score"], rate),
        "last_score": torch.where(moved, clipped, state["last_score"]),
    }
