"""The rhythm of a series: how far out its readings usually are at this hour, so that a job of every morning is known.

A season says what is usual at an hour, as smooth as its bins. What is too sharp for it, or too short, shows up as the
same surprise every day; what is remembered here is its size.
"""

import math

import torch
from torch import Tensor

from models.column import Column, State

HOURS = 24
FIRST = 3.0  # of a first visit's peak no more than this counts, and later ones not much more than is known by then:
GROWTH = 2.0  # an incident must come back for days at its hour before it is taken for a rhythm
RISE, FALL = 0.5, 0.15  # rates per visit of an hour
LOG_ORDINARY = math.log(1.5)  # above the typical hour: up to this an hour is like the others


def columns(channels: int) -> tuple[Column, ...]:
    """``log(1 + r)`` of the usual peak of each hour, in spreads, the peak of the hour that goes on, and which it is."""
    return (
        Column("rhythm", torch.float16, (channels, HOURS)),
        Column("rhythm_peak", torch.float32, (channels,), initial=-1.0),  # negative where the hour has shown nothing
        Column("rhythm_hour", torch.int32, (), initial=-1),
    )


def widening(calendar: Tensor, state: State) -> Tensor:
    """How much farther out than at other hours readings usually are now. calendar: (B, 2) -> (B, C), at least 1.

    ``(1 + r_h) / (1.5 g)``, with ``g`` the geometric mean of all hours' ``1 + r``.
    """
    peaks = state["rhythm"].float()
    index = _hour(calendar).view(-1, 1, 1).expand(-1, peaks.shape[1], 1)
    excess = peaks.gather(2, index).squeeze(2) - peaks.mean(-1)
    return torch.exp(excess - LOG_ORDINARY).clamp_min(1.0)


def has_turned(is_judged: Tensor, calendar: Tensor, state: State) -> Tensor:
    """Whether another hour begins with a reading. is_judged: (B, C), calendar: (B, 2) -> (B,)."""
    return is_judged.any(1) & (_hour(calendar) != state["rhythm_hour"])


def update(z: Tensor, is_judged: Tensor, calendar: Tensor, state: State) -> dict[str, Tensor]:
    """Take in one reading a row. z: (B, C) spreads without the widening, is_judged: (B, C), calendar: (B, 2)."""
    hour, before, peak = _hour(calendar), state["rhythm_hour"], state["rhythm_peak"]
    has_moved = has_turned(is_judged, calendar, state)
    is_over = (has_moved & (before >= 0)).unsqueeze(1) & (peak >= 0)
    now = z.abs().masked_fill(~is_judged, -1.0)
    index = before.clamp_min(0).long().view(-1, 1, 1).expand(-1, peak.shape[1], 1)
    usual = torch.expm1(state["rhythm"].gather(2, index).squeeze(2).float())
    seen = torch.minimum(peak, usual * GROWTH + FIRST)
    rate = torch.where(seen > usual, RISE, FALL).masked_fill(~is_over, 0.0)
    learnt = torch.log1p(torch.lerp(usual, seen, rate))
    return {
        "rhythm": state["rhythm"].scatter(2, index, learnt.unsqueeze(2).half()),
        "rhythm_peak": torch.maximum(peak.masked_fill(has_moved.unsqueeze(1), -1.0), now),
        "rhythm_hour": torch.where(has_moved, hour.int(), before),
    }


def _hour(calendar: Tensor) -> Tensor:
    """Which hour of the local day it is. (B, 2) -> (B,) int64."""
    return (calendar[:, 0] * HOURS).long().clamp(0, HOURS - 1)
