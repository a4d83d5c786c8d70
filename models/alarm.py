"""The life of a series' alarms, one a kind: each opens once, tells its peak, and closes with hysteresis."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

KINDS = ("spike", "change")  # a reading far out; a series that is no longer what it was


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """An open alarm closes after ``calm_readings`` in a row with a score of at most ``close_ratio`` of the line."""

    close_ratio: float = 0.5
    calm_readings: int = 8


class AlarmChange(NamedTuple):
    """What became of each row's alarms at one reading. All (B, K), K kinds."""

    opened: Tensor
    closed: Tensor
    is_open: Tensor  # after the reading
    peak: Tensor  # the largest score since the opening, of the alarm that is open or has just closed


def columns() -> tuple[Column, ...]:
    """Whether an alarm is open (1 or 0), its peak score, and how many calm readings in a row it has seen, by kind."""
    names = ("alarm_open", "alarm_peak", "alarm_calm")
    return tuple(Column(name, torch.float32, (len(KINDS),), version=2) for name in names)


def update(
    score: Tensor, is_judged: Tensor, is_muted: Tensor, hysteresis: Hysteresis, state: State
) -> tuple[AlarmChange, dict[str, Tensor]]:
    """Open exactly where the score of a kind exceeds 1. score: (B, K), is_judged, is_muted: (B,).

    A row that was not judged changes nothing; one that is muted opens nothing.
    """
    is_judged = is_judged.unsqueeze(1)
    was_open = state["alarm_open"] > 0
    opened = is_judged & (score > 1) & ~was_open & ~is_muted.unsqueeze(1)
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
