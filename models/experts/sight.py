"""What an expert sees of one reading."""

from typing import NamedTuple

import torch
from torch import Tensor

from models import scaler, tempo
from models.column import State

DAY_SECONDS, WEEK_SECONDS = 86_400.0, 604_800.0
LONGEST_GAP = 4.0  # steps, beyond which a forecast of the next reading is not compared with what came


class Sight(NamedTuple):
    """One reading a row, in raw units. ``state`` below means the state that holds scale and level of this reading.

    An absent channel is learnt from at a rate of zero.
    """

    difference: Tensor  # (B, C) float32 to the value before, 0 where absent or first
    present: Tensor  # (B, C) bool
    weight: Tensor  # (B, C) float32, 1 where present
    is_next: Tensor  # (B, C) bool: present, and near enough to the reading before that forecasts can be compared
    last: Tensor  # (B, C) float64, the value
    scale: Tensor  # (B, C) float32 > 0
    age: Tensor  # (B, C) float32, readings seen, this one included
    share: Tensor  # (B, C) 1 / age: what one reading is of a plain mean of all
    phase: Tensor  # (B, 2) of the day and of the week, local time, in [0, 1)
    pace: Tensor  # (B, 2) the share of a day and of a week that one step takes

    @staticmethod
    def of(difference: Tensor, present: Tensor, steps: Tensor, calendar: Tensor, state: State) -> "Sight":
        """See a reading whose scale, level and interval ``state`` holds already."""
        seconds = tempo.interval_seconds(state)
        age = state["age"]
        return Sight(
            difference=difference,
            present=present,
            weight=present.float(),
            is_next=present & (age > 1) & (steps <= LONGEST_GAP).unsqueeze(1),
            last=state["last"],
            scale=scaler.floored_scale(state),
            age=age,
            share=age.clamp_min(1).reciprocal(),
            phase=calendar,
            pace=torch.stack((seconds / DAY_SECONDS, seconds / WEEK_SECONDS), -1),
        )

    def rate(self, slowest: float) -> Tensor:
        """The rate of a mean that is plain until it forgets: ``max(1 / age, slowest)``, 0 where absent. -> (B, C)."""
        return self.share.clamp_min(slowest) * self.weight
