"""The panel: experts, all of them together, and a network, each heard the more the better it has forecast."""

from functools import cache

import torch
from torch import Tensor

from models.experts.bank import Views
from models.experts.dot import dot, shares
from models.experts.record import FREEDOM, spread_at
from models.heads import StudentT

SHARPNESS = 60.0  # who scores a tenth worse than another is heard a three-hundredth as much
TOGETHER, OWN = 1.0, 3.0  # logarithms of how much more they are heard than an expert of equal score
ALONE = 2.31  # that of all together where there is no network: they count as ten
YOUNG = 12.0  # scores seen at a horizon before anybody but the network is heard, or all together without one
UNHEARD = -30.0  # the logarithm of as good as nothing


def heard(views: Views) -> Tensor:
    """How much each is heard: ``score ** -60``, the experts first, then all together, then their user.

    -> (B, C, K, E + 1), sum 1.
    """
    return shares(_logits(views, views.log_scores, (TOGETHER, OWN)))


def log_shares(views: Views) -> Tensor:
    """How much each expert is heard where there is no network, as a logarithm, less the most of it. -> (B, C, K, E)."""
    logits = _logits(views, views.log_scores[..., :-1], (ALONE,))
    return (logits - logits.amax(-1, keepdim=True)).clamp_min(UNHEARD)


def _logits(views: Views, log_scores: Tensor, favours: tuple[float, ...]) -> Tensor:
    favour, alone = _favours(log_scores.shape[-1], favours, log_scores.device).unbind()
    is_young = (views.experience < YOUNG).unsqueeze(-1)
    return torch.where(is_young, alone, log_scores * -SHARPNESS + favour)


@cache
@torch.inference_mode(False)  # what is kept may be needed in training
def _favours(heard_ones: int, favours: tuple[float, ...], device: torch.device) -> Tensor:
    """What is added to the logits of those who are known, and the logits of who is heard alone. -> (2, N)."""
    favour, alone = torch.zeros(heard_ones), torch.full((heard_ones,), -torch.inf)
    for place, theirs in enumerate(reversed(favours), start=1):
        favour[-place] = theirs
    alone[-1] = 0.0
    return torch.stack((favour, alone)).to(device)


def mixed(own: StudentT, views: Views) -> StudentT:
    """The forecast of the panel, in units. own: what the user of the bank says by itself. (B, C, K) each."""
    share = heard(views)
    spreads = spread_at(views.log_errors, views.log_recent.unsqueeze(-1))
    return StudentT(
        dot(share, torch.cat((views.offsets, own.location.unsqueeze(-1)), -1)),
        dot(share, torch.cat((spreads, own.log_scale.unsqueeze(-1)), -1)),
        torch.lerp(torch.full_like(own.freedom, FREEDOM), own.freedom, share[..., -1]),
    )
