"""The band of a forecast, made to hold its share of the readings of every series, however wrong the spread is.

Adaptive conformal inference (Gibbs and Candès, 2021), on the logarithm of the width: every reading outside widens the
band of its channel by ``RATE (1 - a)``, every one inside narrows it by ``RATE a``. So over T readings the share outside
is a, but for ``|log width| / (RATE T)``: whatever the forecasts, and without an assumption about the series.
"""

import math

import torch
from torch import Tensor

from models.column import Column, State

RATE = 0.05
MOST = math.log(8)  # either way: an incident shall not leave a band that nothing is ever outside of


def columns(channels: int) -> tuple[Column, ...]:
    """The logarithm of how much wider the band is than the forecast's own."""
    return (Column("band", torch.float32, (channels,)),)


def width(quantile: Tensor, state: State) -> Tensor:
    """Half the width of the band, in spreads. quantile: (B, C), that of the forecast itself -> (B, C)."""
    return quantile * torch.exp(state["band"])


def update(is_outside: Tensor, is_judged: Tensor, share_outside: float, state: State) -> dict[str, Tensor]:
    """Learn whether each reading was outside. (B, C) twice."""
    return {"band": learnt(state["band"], is_outside, is_judged, share_outside)}


def learnt(before: Tensor, is_outside: Tensor, is_judged: Tensor, share_outside: float) -> Tensor:
    """The logarithm of how much wider a band is, after a reading. (...) each."""
    step = (is_outside.float() - share_outside) * RATE
    return (before + step.masked_fill(~is_judged, 0.0)).clamp(-MOST, MOST)
