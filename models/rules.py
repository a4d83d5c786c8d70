"""Rules: what people ask of a channel before it may alarm, whatever its surprise."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn

from models.tail import MAX_SURPRISE

CERTAIN = MAX_SURPRISE  # surprise of a value that cannot be: outside its valid range
HALF = math.log10(2)  # the surprise that a tail gains over both together


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


class Rules(nn.Module):
    """The rules of a group, by number; number 0 asks for nothing. Where there is no other one, they cost nothing."""

    table: Tensor  # (R, 5) float64

    def __init__(self, rules: Sequence[Rule]) -> None:
        super().__init__()
        table = torch.tensor([astuple(rule) for rule in (Rule(), *rules)], dtype=torch.float64)
        self.register_buffer("table", table, persistent=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked of anybody."""
        return self.table.shape[0] == 1

    def impossible(self, values: Tensor, present: Tensor, rule: Tensor) -> Tensor:
        """Where a value is outside its valid range: a certain alarm, and nothing to learn from.

        values: (B, C) float64 as they come, present: (B, C), rule: (B, C) int64 -> (B, C).
        """
        if self.is_empty:
            return torch.zeros_like(present)
        lowest, highest = self.table[rule, 3:].unbind(-1)
        return present & ((values < lowest) | (values > highest))

    def alarming(self, surprise: Tensor, deviation: Tensor, expected: Tensor, rule: Tensor) -> Tensor:
        """The part of a surprise that may alarm.

        Where one direction is asked for, the surprise is that of its tail alone, and none the other way; a deviation
        smaller than the least one has none. surprise: (B, C), of both tails; deviation from what was expected and
        expected: (B, C) float64; rule: (B, C) int64 -> (B, C).
        """
        if self.is_empty:
            return surprise
        direction, min_absolute, min_relative, *_ = self.table[rule].unbind(-1)
        least = torch.maximum(min_absolute, min_relative * expected.abs())
        is_nothing = (deviation * direction < 0) | (deviation.abs() < least)
        one_sided = surprise + (direction != 0).float() * HALF
        return one_sided.clamp_max(MAX_SURPRISE).masked_fill(is_nothing, 0.0)
