"""The normal of a channel: mean and deviation of its whole life, and how it has varied of late beside them."""

from typing import NamedTuple

import torch
from torch import Tensor

from models import scaler
from models.column import Column, State
from models.novelty.glance import SLOWEST

LATE = 1 / 96  # rate of the level and the deviation of late, per reading
CLIP = 30.0  # deviations, or usual moves, that one reading counts for at most
YOUNG = 64  # readings before anything is clipped
EARLY = 8  # readings before a deviation means anything
FARTHEST = 8.0  # deviations, of what is remembered of a reading
FLOOR = 1e-7  # of the value: a smaller deviation is rounding
TINY = 1e-12


class Standing(NamedTuple):
    """Where a reading leaves its channel. All (B, C) float32."""

    place: Tensor  # of the reading: its distance from the mean, in deviations, -8 to 8
    spread: Tensor  # the deviation of late around the level of late / that of the whole life
    off: Tensor  # of the reading from the mean, in units, clipped
    rise: Tensor  # of the nearest level from the level of late, in units, clipped


def columns(channels: int) -> tuple[Column, ...]:
    """Mean less the last value, and the deviation around it: of the whole life, and of late."""
    names = ("normal_gap", "normal_deviation", "late_gap", "late_deviation")
    return tuple(Column(name, torch.float32, (channels,)) for name in names)


def learn(difference: Tensor, state: State) -> tuple[Standing, dict[str, Tensor]]:
    """Take in one reading a row. difference: (B, C), to the value before.

    ``d = y - mean``, clipped; ``mean += d / n``; ``deviation^2 = (1 - 1 / n) (deviation^2 + d^2 / n)``: Welford's sums
    as West (1979) has them for a rate, down to a slowest one, and under the root, where no square can overflow.
    """
    age = state["age"]
    share = (age + 1).reciprocal()
    rate = share.clamp_min(SLOWEST)
    floor = (state["last"].abs().float() * FLOOR).clamp_min(TINY)
    known, stride = torch.maximum(state["normal_deviation"], floor), state["stride"]
    limit = (torch.maximum(known, stride) * CLIP).masked_fill((age < YOUNG) | (stride == 0), torch.inf)
    off = difference - state["normal_gap"]
    learnt = torch.clamp(off, -limit, limit)
    gap = rate * learnt - off
    deviation = _varied(state["normal_deviation"], learnt, rate)
    off_late = difference - state["late_gap"]
    learnt_late, rate_late = torch.clamp(off_late, -limit, limit), share.clamp_min(LATE)
    late_gap = rate_late * learnt_late - off_late
    late_deviation = _varied(state["late_deviation"], learnt_late, rate_late)
    near_gap = (state["near_gap"] - difference) * (1 - share.clamp_min(scaler.NEAR))  # as the scaler learns it
    standing = Standing(
        place=(off / known).clamp(-FARTHEST, FARTHEST).masked_fill(age < EARLY, 0.0),
        spread=late_deviation / torch.maximum(deviation, floor),
        off=learnt,
        rise=torch.clamp(near_gap - late_gap, -limit, limit),
    )
    return standing, {
        "normal_gap": gap,
        "normal_deviation": deviation,
        "late_gap": late_gap,
        "late_deviation": late_deviation,
    }


def _varied(deviation: Tensor, distance: Tensor, rate: Tensor) -> Tensor:
    """The deviation after a distance that counts for ``rate``. (B, C) each -> (B, C).

    Each side of the root is a product of its own: of columns that lie among others torch's hypot has other bits.
    """
    return torch.hypot((1 - rate).sqrt() * deviation, ((1 - rate) * rate).sqrt() * distance)
