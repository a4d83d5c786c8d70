"""What happens to a pool at the end of an epoch, and at no other time: it takes the epoch over, and moves the lines."""

from dataclasses import replace

import torch
from torch import Tensor

from models.calibration.pool import FADING, HALF_LIFE_EPOCHS, UNIT, Pool, Tally

MASS_SHARE = 20  # an epoch with more than one reading in so many in alarm is an incident of the whole
GAIN = 0.05  # decades that an alarm too many moves its line by: it finds its place within some ten alarms
FARTHEST = 1.0  # decades from what the counts say, up or down
STEP = 0.05  # decades an epoch, by which a line follows the counts: it must not run away from alarms to come
LEAP = 0.1  # decades an epoch, by which the controller moves a line at most


def close_epoch(pool: Pool, milliseconds: Tensor | int, ends: Tensor | None = None) -> Pool:
    """End the epoch: what it counted is what the next one is judged by.

    milliseconds: (P,) of event time that it lasted, ends: (P,) bool, whose epoch it is; None: everybody's. An epoch of
    mass incident is forgotten: nothing of it is taken over, for at most a half-life of such epochs in a row, and not
    by a pool that is younger than that, which knows no better yet.
    """
    ends = torch.ones_like(pool.held, dtype=torch.bool) if ends is None else ends
    counted = pool.open_tally._replace(milliseconds=pool.open_tally.milliseconds + milliseconds)
    is_mass = counted.in_alarm * MASS_SHARE > counted.readings
    is_held = is_mass & (pool.held < HALF_LIFE_EPOCHS) & (pool.epoch >= HALF_LIFE_EPOCHS)
    takes = ends & ~is_held
    wanted = pool.budget.rates(pool.readings_per_day) * counted.readings.unsqueeze(1)
    excess = GAIN * (counted.opened - wanted)
    moved = (pool.offset + excess.clamp(-LEAP, LEAP)).clamp(-FARTHEST, FARTHEST)
    begun = replace(
        pool,
        closed=torch.where(takes[:, None, None], _faded(pool.closed, pool.open), pool.closed),
        open=pool.open.masked_fill(ends[:, None, None], 0),
        closed_tally=Tally(
            *(
                torch.where(_like(takes, old), _faded(old, new), old)
                for old, new in zip(pool.closed_tally, counted, strict=True)
            )
        ),
        open_tally=Tally(*(count.masked_fill(_like(ends, count), 0) for count in counted)),
        offset=torch.where(takes.unsqueeze(1), moved, pool.offset),
        held=torch.where(ends, (pool.held + 1).masked_fill(~is_held, 0), pool.held),
        epoch=pool.epoch + ends,
    )
    step = (begun.counted_level(pool.budget) - pool.level).clamp(-STEP, STEP)
    return replace(begun, level=torch.where(takes.unsqueeze(1), pool.level + step, pool.level)).derived()


def _faded(closed: Tensor, counted: Tensor) -> Tensor:
    numerator, denominator = FADING
    return closed * numerator // denominator + counted * UNIT


def _like(mask: Tensor, column: Tensor) -> Tensor:
    return mask if column.dim() == 1 else mask.unsqueeze(1)
