"""The rhythm of a series: how far out its readings usually are at this hour, so that a job of every morning is known.

A season says what is usual at an hour, as smooth as its bins. What is too sharp for it, or too short, shows up as the
same surprise every day; what is remembered here is its size.
"""

import math
from typing import NamedTuple

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


class Clock(NamedTuple):
    """What time it is by the clock of a series. (B,) each."""

    hour: Tensor  # int64, of the local day
    has_turned: Tensor  # another hour begins with this reading


def clock(is_judged: Tensor, calendar: Tensor, state: State) -> Clock:
    """The time of one reading a row. is_judged: (B, C), calendar: (B, 2)."""
    hour = (calendar[:, 0] * HOURS).long().clamp(0, HOURS - 1)
    return Clock(hour, is_judged.any(1) & (hour != state["rhythm_hour"]))


def widening(now: Clock, state: State) -> Tensor:
    """How much farther out than at other hours readings usually are now. -> (B, C), at least 1.

    ``(1 + r_h) / (1.5 g)``, with ``g`` the geometric mean of all hours' ``1 + r``.
    """
    peaks = state["rhythm"].float()
    index = now.hour.view(-1, 1, 1).expand(-1, peaks.shape[1], 1)
    excess = peaks.gather(2, index).squeeze(2) - peaks.mean(-1)
    return torch.exp(excess - LOG_ORDINARY).clamp_min(1.0)


def update(z: Tensor, is_judged: Tensor, now: Clock, state: State) -> dict[str, Tensor]:
    """Take in one reading a row. z: (B, C) spreads without the widening, is_judged: (B, C)."""
    before, peak = state["rhythm_hour"], state["rhythm_peak"]
    is_over = (now.has_turned & (before >= 0)).unsqueeze(1) & (peak >= 0)
    size = z.abs().masked_fill(~is_judged, -1.0)
    index = before.clamp_min(0).long().view(-1, 1, 1).expand(-1, peak.shape[1], 1)
    usual = torch.expm1(state["rhythm"].gather(2, index).squeeze(2).float())
    seen = torch.minimum(peak, usual * GROWTH + FIRST)
    rate = torch.where(seen > usual, RISE, FALL).masked_fill(~is_over, 0.0)
    learnt = torch.log1p(torch.lerp(usual, seen, rate))
    return {
        "rhythm": state["rhythm"].scatter(2, index, learnt.unsqueeze(2).half()),
        "rhythm_peak": torch.maximum(peak.masked_fill(now.has_turned.unsqueeze(1), -1.0), size),
        "rhythm_hour": torch.where(now.has_turned, now.hour.int(), before),
    }
