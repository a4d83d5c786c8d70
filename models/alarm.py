"""The life of an alarm: it opens once, tells its peak, and closes with hysteresis."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """An open alarm closes after ``calm_readings`` in a row with a score of at most ``close_ratio`` of the line."""

    close_ratio: float = 0.5
    calm_readings: int = 8


class AlarmChange(NamedTuple):
    """What became of each row's alarm at one reading. All (B,)."""

    opened: Tensor
    closed: Tensor
    is_open: Tensor  # after the reading
    peak: Tensor  # the largest score since the opening, of the alarm that is open or has just closed


def columns() -> tuple[Column, ...]:
    """Whether an alarm is open (1 or 0), its peak score, and how many calm readings in a row it has seen."""
    return tuple(Column(name, torch.float32, ()) for name in ("alarm_open", "alarm_peak", "alarm_calm"))


def update(
    score: Tensor, is_judged: Tensor, hysteresis: Hysteresis, state: State
) -> tuple[AlarmChange, dict[str, Tensor]]:
    """Open exactly where the score exceeds 1. score, is_judged: (B,). A row that was not judged changes nothing."""
    was_open = state["alarm_open"] > 0
    opened = is_judged & (score > 1) & ~was_open
    is_calm = score <= hysteresis.close_ratio
    counted = (state["alarm_calm"] + 1).masked_fill(~is_calm, 0.0)
    calm = torch.where(is_judged, counted, state["alarm_calm"])
    closed = was_open & (calm >= hysteresis.calm_readings)
    is_open = (was_open | opened) & ~closed
    peak = torch.maximum(state["alarm_peak"], score).masked_fill(~(was_open | opened), 0.0)
    after = {
        "alarm_open": is_open.float(),
        "alarm_peak": peak.masked_fill(~is_open, 0.0),
        "alarm_calm": calm.masked_fill(~is_open, 0.0),
    }
    return AlarmChange(opened, closed, is_open, peak), after
