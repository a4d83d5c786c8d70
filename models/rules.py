"""Rules: what people ask of a channel before it may alarm, however surprising it is."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models import scaler
from models.column import State
from models.tail import MAX_SURPRISE

CERTAIN = MAX_SURPRISE  # decades of surprise of a value that cannot be: outside its valid range
ONE_TAIL = math.log10(2)  # decades that one tail is rarer than both


class Direction(IntEnum):
    """Which deviations are worth an alarm."""

    DOWN = -1
    BOTH = 0
    UP = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of one channel. Unless said, nothing is."""

    direction: Direction = Direction.BOTH
    min_absolute: float = 0.0  # deviation in the unit that is judged: a smaller one does not alarm
    min_relative: float = 0.0  # of what was expected; of the two, the larger deviation is asked for
    lowest: float = -math.inf  # of the values as they come, before the transform
    highest: float = math.inf


class Asked(NamedTuple):
    """What of one reading a row is worth an alarm by the rules of its channels. All (B, C) bool."""

    is_impossible: Tensor  # outside the valid range: a certain alarm
    is_enough: Tensor  # the reading deviates far enough, to a side that is asked about
    has_risen: Tensor  # the level has, by enough, and that is asked about
    has_fallen: Tensor
    is_above_day: Tensor  # hours lie above the pattern of the day, by enough, and that is asked about
    is_below_day: Tensor
    is_one_sided: Tensor

    def alarming(self, surprise: Tensor) -> Tensor:
        """The part of a surprise that may alarm. surprise: (B, C) decades, of both tails -> (B, C)."""
        return (surprise + self.is_one_sided * ONE_TAIL).clamp_max(MAX_SURPRISE).masked_fill(~self.is_enough, 0.0)


class Rules(nn.Module):
    """The rules of a group, by number; number 0 asks for nothing. Where there is no other one, they cost nothing."""

    table: Tensor  # (R, 5) float64

    def __init__(self, rules: Sequence[Rule]) -> None:
        super().__init__()
        self.is_empty = not rules  # nothing is asked of anybody
        table = torch.tensor([astuple(rule) for rule in (Rule(), *rules)], dtype=torch.float64)
        self.register_buffer("table", table, persistent=False)

    def impossible(self, values: Tensor, present: Tensor, rule: Tensor) -> Tensor:
        """Where a value is outside its valid range: a certain alarm, and nothing to learn from.

        values: (B, C) float64 as they come, present: (B, C), rule: (B, C) int64 -> (B, C).
        """
        if self.is_empty:
            return torch.zeros_like(present)
        lowest, highest = self.table[rule, 3:].unbind(-1)
        return present & ((values < lowest) | (values > highest))

    def asked(
        self, judged: Tensor, expected: Tensor, is_impossible: Tensor, rule: Tensor, state: State
    ) -> Asked | None:
        """What of these readings is worth an alarm; None where nothing is asked, and so all of them are.

        judged, expected: (B, C) float64, NaN where there is none; rule: (B, C) int64. The way back from a spike that
        nobody asked about is a deviation to the other side, and none that is asked about.
        """
        if self.is_empty:
            return None
        direction, min_absolute, min_relative, *_ = self.table[rule].unbind(-1)
        least = torch.maximum(min_absolute, min_relative * expected.abs())
        deviation, is_any, is_one_sided = judged - expected, least <= 0, direction != 0
        is_wrong = (deviation * direction < 0) | (is_one_sided & scaler.is_return(judged, state))
        rise, above_day = scaler.rise(state), state["hour_gap"]
        return Asked(
            is_impossible=is_impossible,
            is_enough=~(is_wrong | (deviation.abs() < least)),
            has_risen=(direction >= 0) & (is_any | (rise >= least)),
            has_fallen=(direction <= 0) & (is_any | (-rise >= least)),
            is_above_day=(direction >= 0) & (is_any | (above_day >= least)),
            is_below_day=(direction <= 0) & (is_any | (-above_day >= least)),
            is_one_sided=is_one_sided,
        )
