"""The panel: experts, all of them together, and a network, each heard the more the better it has forecast."""

from functools import cache

import torch
from torch import Tensor

from models.experts.bank import Views
from models.experts.dot import dot, shares
from models.experts.record import FREEDOM, spread_of
from models.heads import StudentT

SHARPNESS = 60.0  # who scores a tenth worse than another is heard a three-hundredth as much
TOGETHER, OWN = 1.0, 2.0  # logarithms of how much more they are heard than an expert of equal score
YOUNG = 12.0  # scores seen at a horizon before anybody but the network is heard


def heard(views: Views) -> Tensor:
    """How much each is heard: ``score ** -60``, the experts first, then all together, then their user.

    -> (B, C, K, E + 1), sum 1.
    """
    logits = views.log_scores * -SHARPNESS
    favour, alone = _favours(logits.shape[-1], logits.device).unbind()
    is_young = (views.experience < YOUNG).unsqueeze(-1)
    return shares(torch.where(is_young, alone, logits + favour))


@cache
@torch.inference_mode(False)  # what is kept may be needed in training
def _favours(heard_ones: int, device: torch.device) -> Tensor:
    """What is added to the logits of those who are known, and the logits of who is heard alone. -> (2, E + 1)."""
    favour, alone = torch.zeros(heard_ones), torch.full((heard_ones,), -torch.inf)
    favour[-2], favour[-1] = TOGETHER, OWN
    alone[-1] = 0.0
    return torch.stack((favour, alone)).to(device)


def mixed(own: StudentT, views: Views) -> StudentT:
    """The forecast of the panel, in units. own: what the user of the bank says by itself. (B, C, K) each."""
    share = heard(views)
    return StudentT(
        dot(share, torch.cat((views.offsets, own.location.unsqueeze(-1)), -1)),
        dot(share, torch.cat((spread_of(views.log_errors), own.log_scale.unsqueeze(-1)), -1)),
        torch.lerp(torch.full_like(own.freedom, FREEDOM), own.freedom, share[..., -1]),
    )
