"""Whole hours beside the pattern of the day: a forecast that runs free of the readings just before.

A forecast of the next reading goes along with a series wherever it goes. At a reading a minute, a peak that never comes
is sixty small steps, each of them expected. What the pattern of the day says of an hour goes along with nothing, and
how far from it an hour is says little by itself: weather stays. So the score of an hour is that of its innovation,
beside what the hour before let expect.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

HOUR_SECONDS = 3600.0
FIRST_DAY = 24.0  # hours, of which the pattern knows nothing yet: nothing is learnt of them
KNOWN = 72.0  # hours after which one is judged, and clipped as it is learnt
SLOWEST = 1 / 512  # rate of what is learnt, per hour: three weeks
CLIP = 4.0  # deviations of one hour, as it is learnt
MOST_ALIKE = 0.98  # correlation of two hours in a row
NARROWEST = 0.2  # deviations, of an innovation
FARTHEST = 1e6  # deviations
FREEDOM = 6.0  # of the Student-t that innovations are taken to have: settings by decision 29
LONGEST_GAP = 4.0  # steps, after which the pattern spoke of an earlier time


class Hour(NamedTuple):
    """What a reading says of the hour before it. (B, C) each."""

    is_over: Tensor  # it is the first of another hour, and the one before can be judged
    score: Tensor  # normal, negative below the pattern of the day

    @staticmethod
    def none(is_judged: Tensor) -> "Hour":
        """Of readings that say nothing of any hour. is_judged: (B, C)."""
        return Hour(torch.zeros_like(is_judged), torch.zeros(is_judged.shape, device=is_judged.device))


def columns(channels: int) -> tuple[Column, ...]:
    """The mean distance of late, and of the hour before, their deviation and correlation, and how many there were."""
    names = ("hour_gap", "hour_before", "hour_deviation", "hour_echo", "hours")
    return tuple(Column(name, torch.float32, (channels,)) for name in names)


def learn(
    distance: Tensor, away: Tensor, is_judged: Tensor, has_turned: Tensor, interval_seconds: Tensor, state: State
) -> tuple[Hour, dict[str, Tensor]]:
    """Take in how far one reading a row is from the pattern of the day, in the unit of the value.

    distance, away: (B, C), the latter in steps; is_judged: (B, C), has_turned: (B,) another hour begins with it,
    interval_seconds: (B,).

    ``e = m - r m'`` of the means ``m`` of an hour and ``m'`` of the one before, ``d^2`` the mean of ``m^2``,
    ``r += g m' e / d^2`` (least squares, a rate ``g``), and the score that of ``e / (d sqrt(1 - r^2))`` under a
    Student-t, made normal as Wallace (1959) has it.
    """
    is_near = away <= LONGEST_GAP
    rate = (interval_seconds / HOUR_SECONDS).clamp_max(1.0).unsqueeze(1) * (is_judged & is_near)
    ends = is_near & has_turned.unsqueeze(1)
    hours, mean, before, deviation = (state[name] for name in ("hours", "hour_gap", "hour_before", "hour_deviation"))
    alike = state["hour_echo"].clamp(0.0, MOST_ALIKE)
    narrowed = deviation * (1 - alike * alike).sqrt().clamp_min(NARROWEST)
    is_known = (hours >= KNOWN) & (narrowed > 0)
    z = ((mean - alike * before) / narrowed).masked_fill(~is_known, 0.0).clamp(-FARTHEST, FARTHEST)
    learnt = {
        "hour_gap": mean + rate * (distance - mean),
        "hour_before": torch.where(ends, mean, before),
        **_spread(ends, state),
        "hours": hours + ends,
    }
    return Hour(ends & is_known, normal_score(z)), learnt


def _spread(ends: Tensor, state: State) -> dict[str, Tensor]:
    """What is learnt of an hour that ends: how far hours lie from the pattern, and how alike two in a row are."""
    hours, deviation, echo = state["hours"], state["hour_deviation"], state["hour_echo"]
    rate = (hours + 1 - FIRST_DAY).clamp_min(1).reciprocal().clamp_min(SLOWEST)
    limit = (deviation * CLIP).masked_fill(hours < KNOWN, torch.inf)
    mean, before = (torch.clamp(state[name], -limit, limit) for name in ("hour_gap", "hour_before"))
    wider = torch.hypot((1 - rate).sqrt() * deviation, rate.sqrt() * before)
    unit = wider.clamp_min(torch.finfo(wider.dtype).tiny)
    closer = echo + rate * (before / unit) * ((mean - echo * before) / unit)
    is_learnt = ends & (hours >= FIRST_DAY)
    return {
        "hour_deviation": torch.where(is_learnt, wider, deviation),
        "hour_echo": torch.where(is_learnt & (wider > 0), closer, echo),
    }


def normal_score(z: Tensor) -> Tensor:
    """The normal score of a Student-t: ``(8 v + 1) / (8 v + 3) sqrt(v ln(1 + z^2 / v))``."""
    size = torch.sqrt(FREEDOM * torch.log1p(z * z / FREEDOM)) * ((8 * FREEDOM + 1) / (8 * FREEDOM + 3))
    return torch.copysign(size, z)
