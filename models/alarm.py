"""The life of a series' alarms, one a kind: each opens once, tells its peak, and closes with hysteresis."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

KINDS = ("spike", "change")  # a reading far out; a series that is no longer what it was
CHANGE = KINDS.index("change")


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
    peak: Tensor  # the largest score, by the line of its time, of the alarm that is open or has just closed
    climb: Tensor  # (B, K, 2) the largest statistic since the last calm, alarm or not: before and after the reading


def columns() -> tuple[Column, ...]:
    """The peak score where an alarm is open, else 0, the peak statistic since the last calm, calm readings in a row."""
    versions = {"alarm_score": 1, "alarm_peak": 3, "alarm_calm": 2}
    return tuple(Column(name, torch.float32, (len(KINDS),), version=version) for name, version in versions.items())


def only(state: State) -> dict[str, Tensor]:
    """The columns of alarms among others."""
    return {column.name: state[column.name] for column in columns()}


def update(
    statistic: Tensor,
    lines: Tensor,
    is_judged: Tensor,
    is_muted: Tensor,
    hysteresis: Hysteresis,
    state: State,
    asked: Tensor | None = None,
) -> tuple[AlarmChange, dict[str, Tensor]]:
    """Open exactly where the statistic of a kind exceeds its line. statistic: (B, K), lines: (B or 1, K) in its unit.

    is_judged, is_muted: (B,). A row that was not judged changes nothing; one that is muted opens nothing. asked: (B, K)
    the part of the statistic that may open an alarm, where that is not all of it.
    """
    opening = statistic if asked is None else asked
    is_judged, is_loud = is_judged.unsqueeze(1), ~is_muted.unsqueeze(1)
    was_open, before = state["alarm_score"] > 0, state["alarm_peak"]
    opened = is_judged & (opening > lines) & ~was_open & is_loud
    is_restless = statistic > hysteresis.close_ratio * lines
    counted = (state["alarm_calm"] + 1).clamp_max(hysteresis.calm_readings).masked_fill(is_restless, 0.0)
    calm = torch.where(is_judged, counted, state["alarm_calm"])
    is_calm = calm >= hysteresis.calm_readings
    closed = was_open & is_calm
    is_open = (was_open | opened) & ~closed
    is_heard = is_judged & is_loud
    highest = torch.where(is_heard, torch.maximum(before, opening), before)
    score = (opening / lines).masked_fill(~is_heard, 0.0)
    score = torch.maximum(state["alarm_score"], score)
    peak = score.masked_fill(~(was_open | opened), 0.0)
    after = {
        "alarm_score": peak.masked_fill(~is_open, 0.0),
        "alarm_peak": highest.masked_fill(is_calm, 0.0),
        "alarm_calm": calm,
    }
    return AlarmChange(opened, closed, is_open, peak, torch.stack((before, highest), -1)), after
