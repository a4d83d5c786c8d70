"""The pace of a series: its own running median interval, so that time is counted in the series' own steps."""

import torch
from torch import Tensor

from models.column import Column, State

FINEST_RATE, COARSEST_RATE = 0.02, 0.5  # of the log interval, per reading: late and early


def columns() -> tuple[Column, ...]:
    """The natural log of the median interval in seconds, NaN before the first one, and the number of readings."""
    return (
        Column("log_interval", torch.float32, (), initial=float("nan")),
        Column("readings", torch.float32, ()),
    )


def elapsed_steps(elapsed_seconds: Tensor, state: State) -> Tensor:
    """Elapsed time in median intervals; 1 where either is not known yet. elapsed_seconds: (B,) -> (B,) float32."""
    return torch.nan_to_num(elapsed_seconds / torch.exp(state["log_interval"]), nan=1.0)


def interval_seconds(state: State) -> Tensor:
    """The median interval, 0 where it is not known yet. -> (B,) float32."""
    return torch.nan_to_num(torch.exp(state["log_interval"]), nan=0.0)


def update(elapsed_seconds: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one interval a row: a sign step towards it, whose fixed point is the median. (B,) -> the columns.

    Readings of one instant and a first reading have no interval and teach none.
    """
    readings = state["readings"] + 1
    known, interval = state["log_interval"], elapsed_seconds.log()
    rate = readings.reciprocal().clamp(FINEST_RATE, COARSEST_RATE)
    learnt = torch.where(known.isnan(), interval, known + rate * torch.sign(interval - known))
    return {
        "log_interval": torch.where(elapsed_seconds > 0, learnt, known),
        "readings": readings,
    }
