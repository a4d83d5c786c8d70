"""Surges: the moments at which a series goes beyond its own record, or changes without one, each told once."""

import math

import torch
from torch import Tensor

from models.column import Column, State
from models.novelty.glance import SLOWEST, kept

SMOOTH = 1 / 24  # rate of the means of moves, of distances from the season and of surprises, per reading
YOUNG = 32  # readings before a record is one
CLIMB = 3.0  # octaves that one reading raises a record by at most
FALL = math.log2(math.e) * SLOWEST  # octaves a reading: in the end a record is forgotten
CALLED = 1.1  # that a change counts for which is called, and is no record of anything here
HOLD = 100.0  # readings after a peak within which only a higher one is another
LEAST = 1e-30
HIGHEST = 60.0  # octaves


def columns(channels: int) -> tuple[Column, ...]:
    """What is smoothed, the records in octaves, and the last peak with the readings since."""
    return (
        Column("surge_means", torch.float32, (channels, 3)),
        Column("surge_records", torch.float32, (channels, 5), initial=math.log2(LEAST)),
        Column("surge_peak", torch.float32, ()),
        Column("surge_since", torch.float32, ()),
    )


def learn(
    off: Tensor, rise: Tensor, sizes: Tensor, present: Tensor, is_called: Tensor, state: State
) -> tuple[Tensor, dict[str, Tensor]]:
    """Take in one reading a row: how far off the mean and above the level of late it is, and what is to be smoothed.

    off, rise: (B, C) in units, sizes: (B, C, 3), is_called: (B,) -> the ratio to the record (B,), and the columns.
    Labels follow what is seen: the largest so far counts, and of what is large already only what is larger still
    (research: nab). A day that does not come, and unrest that is no larger than ever, have no record: they count where
    they are called.
    """
    age = state["age"].unsqueeze(-1)
    means = torch.lerp(state["surge_means"], sizes, (age + 1).reciprocal().clamp_min(SMOOTH))
    octaves = torch.log2(torch.cat((off.abs().unsqueeze(-1), rise.abs().unsqueeze(-1), means), -1).clamp_min(LEAST))
    records = state["surge_records"]
    climbed = torch.minimum(octaves, (records + CLIMB).masked_fill(age < YOUNG, torch.inf))
    learnt = {"surge_means": means, "surge_records": torch.maximum(records - FALL, climbed)}
    is_told = present.unsqueeze(-1) & (age >= YOUNG) & (octaves > records)
    beyond = (octaves - records).clamp_max(HIGHEST).masked_fill(~is_told, 0.0)
    ratio = (torch.exp2(beyond.amax((1, 2))) * is_told.any(2).any(1)).maximum(is_called * CALLED)
    is_higher = ratio > state["surge_peak"]
    since = (state["surge_since"] + present.any(1)).masked_fill(is_higher, 0.0)
    is_over = since > HOLD
    return ratio * is_higher, {
        **kept(present, learnt, state),
        "surge_peak": torch.where(is_higher | is_over, ratio, state["surge_peak"]),
        "surge_since": since.masked_fill(is_over, 0.0),
    }
