"""Skill: what the forecasts of readings were worth, once the readings were there."""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from models.heads import student_t_nll
from models.outcome import Outcome
from models.tail import StudentTail

MIN_FREEDOM = 1.05  # at one degree of freedom and below, the score of a forecast has no mean


class Skill(NamedTuple):
    """How the forecasts of N readings of C channels did. Lower is better."""

    is_judged: Tensor  # (N, C)
    crps: Tensor  # (N, C) float64, in the unit of the value; 0 where nothing was judged
    spread: Tensor  # (N, C) float64, of the forecast, in the unit of the value
    surprise: Tensor  # (N, C) float32
    is_outside: Tensor  # (N, C) of the forecast's own band
    opened: Tensor  # (N,) an alarm


def skill(outcome: Outcome, coverage: float) -> Skill:
    """Weigh forecasts that were made before their readings, each by itself.

    ``coverage``: of the band that is the forecast's own. That which is served follows what came, and holds its share
    whatever the forecast is worth.
    """
    judged = outcome.is_judged
    error = (outcome.value - outcome.forecast).masked_fill(~judged, 0.0)
    spread, freedom = outcome.spread.double(), outcome.freedom.double()
    p = 10.0 ** -tail(error.device)((error / spread).float(), outcome.freedom).double()
    return Skill(
        is_judged=judged,
        crps=crps(error, spread, freedom, p).masked_fill(~judged, 0.0),
        spread=spread,
        surprise=outcome.raw_surprise,
        is_outside=judged & (p < 1 - coverage),
        opened=outcome.opened.any(1),
    )


@cache
@torch.inference_mode(False)  # what is kept may be needed in training
def tail(device: torch.device) -> StudentTail:
    """The tail of Student's t, on a device."""
    return StudentTail().to(device)


def crps(error: Tensor, spread: Tensor, freedom: Tensor, p: Tensor) -> Tensor:
    """Continuous ranked probability score of Student's t in closed form (Jordan et al., 2019, scoringRules).

    With ``z = error / spread``, density f, and B the beta function,
    ``spread * (|z| (1 - p) + 2 f(z) (nu + z²) / (nu - 1) - 2 sqrt(nu) / (nu - 1) * B(1/2, nu - 1/2) / B(1/2, nu/2)²)``,
    where p is the two-sided tail probability of z. All (...) float64.
    """
    nu = freedom.clamp_min(MIN_FREEDOM)
    z = (error / spread).abs()
    density = torch.exp(-student_t_nll(z, torch.zeros_like(z), nu))
    root = math.log(math.pi) / 2  # log Gamma(1/2)
    log_ratio = (
        torch.lgamma(nu - 0.5) - torch.lgamma(nu) + 2 * (torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2)) - root
    )
    constant = 2 * nu.sqrt() / (nu - 1) * log_ratio.exp()
    return spread * (z * (1 - p) + 2 * density * (nu + z * z) / (nu - 1) - constant)
