"""What a channel is in the habit of: how large its surprise usually is, how wide its scores, how alike two in a row.

A pool tells how far the readings of all series go; a channel that always goes further, or in waves, would take the
whole budget for being what it is. So raw surprise is divided by the channel's own usual one before it is pooled, and
a bet is worth less where one score says the next.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

RATE = 1 / 256  # of what is learnt, a reading that moved
PRIOR_READINGS = 32  # that a channel is taken for usual in the beginning
EXPECTED = 0.4343  # decades: the mean surprise of calibrated readings, 1 / ln 10
CLIP_SURPRISE, CLIP_SCORE = 8.0, 3.0  # of one reading, as it is learnt
MOST_ALIKE = 0.95


class Habit(NamedTuple):
    """By what a channel's readings are measured. All (B, C)."""

    ratio: Tensor  # of its usual surprise to the expected one, 1 or more
    power: Tensor  # mean square of its scores
    memory: Tensor  # (1 + r) / (1 - r) with r the correlation of a score with the one before: 1 where there is none


def columns(channels: int) -> tuple[Column, ...]:
    """Of each channel."""
    shape = (channels,)
    return (
        Column("usual_surprise", torch.float32, shape, initial=EXPECTED),
        Column("score_power", torch.float32, shape, initial=1.0),
        Column("score_echo", torch.float32, shape),
        Column("last_score", torch.float32, shape),
    )


def habit_of(state: State) -> Habit:
    """What a reading is to be measured by."""
    power = state["score_power"].clamp(0.25, 4.0)
    alike = (state["score_echo"] / power).clamp(0.0, MOST_ALIKE)
    return Habit((state["usual_surprise"] * (1 / EXPECTED)).clamp_min(1.0), power, (1 + alike) / (1 - alike))


def update(surprise: Tensor, score: Tensor, moved: Tensor, state: State) -> dict[str, Tensor]:
    """Learn where a channel ``moved``. surprise: (B, C) raw, unsigned, score: (B, C) normal, moved: (B, C)."""
    rate = (1 / (state["age"] + PRIOR_READINGS)).clamp_min(RATE).masked_fill(~moved, 0.0)
    score = score.clamp(-CLIP_SCORE, CLIP_SCORE)
    return {
        "usual_surprise": torch.lerp(state["usual_surprise"], surprise.clamp_max(CLIP_SURPRISE), rate),
        "score_power": torch.lerp(state["score_power"], score * score, rate),
        "score_echo": torch.lerp(state["score_echo"], score * state["last_score"], rate),
        "last_score": torch.where(moved, score, state["last_score"]),
    }
