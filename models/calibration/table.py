"""The table of an epoch: from raw surprise, with its sign, to the calibrated one and to a normal score.

The p-value of a reading is the share of the pool's readings that went at least as far to its side (a conformal
p-value, Vovk et al., 2005), on a curve that is continuous and falls strictly, so that more raw surprise is never less.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.calibration.bins import BINS, position
from models.calibration.curve import fitted

MAX_SCORE = 30.0  # standard deviations; the tail of a normal distribution beyond them is 1e-197
HALF_READING = 0.5  # beyond any edge: nothing is ever impossible


class Calibrated(NamedTuple):
    """What raw surprise means by the pool."""

    surprise: Tensor  # (B, C) -log10 of the two-sided p-value, 0 or more
    score: Tensor  # (B, C) the normal score of the one-sided one: standard normal where the pool is like the reading


def table_of(counts: Tensor) -> Tensor:
    """The table by which the next epoch is judged. counts: (P, 2, BINS) float64 readings, below and above the forecast.

    -> (P, 2, BINS, 4) float32: surprise and score at the lower edge of every bin, and what they gain within it.
    """
    total = counts.sum((-1, -2))[:, None, None] + 2 * HALF_READING
    beyond = torch.nn.functional.pad(counts.flip(-1).cumsum(-1).flip(-1), (0, 1)) + HALF_READING
    share = fitted(beyond) - torch.log10(total)
    surprise = (-share - torch.log10(share.new_tensor(2.0))).clamp_min(0.0)
    distance = -torch.special.ndtri(10.0 ** share.clamp_min(-300.0))
    score = distance.clamp(-MAX_SCORE, MAX_SCORE) * distance.new_tensor([-1.0, 1.0])[:, None]
    edges = torch.stack((surprise, score), -1)
    return torch.cat((edges[..., :-1, :], edges.diff(dim=-2)), -1).float()


def calibrate(signed: Tensor, table: Tensor) -> Calibrated:
    """Look readings up. signed: (B, C) raw surprise in decades, negative below the forecast, 0 where there is none.

    table: (P, 2, BINS, 4), of which B / P rows in a row share one.
    """
    at = position(signed.abs())
    left = at.floor().clamp_max(BINS - 1)
    index = left.long() + BINS * (signed >= 0)
    pools = table.shape[0]
    first = torch.arange(pools, device=table.device) * (2 * BINS)
    index = (index.view(pools, -1) + first.unsqueeze(1)).view(index.shape)
    found = table.view(-1, 4).index_select(0, index.reshape(-1)).view(*index.shape, 4)
    value = found[..., :2] + (at - left).unsqueeze(-1) * found[..., 2:]
    return Calibrated(value[..., 0], value[..., 1])
