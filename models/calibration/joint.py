"""The joint verdict over the channels of a reading: how much each of them weighs.

Every analog channel weighs as much as another; all that hardly move weigh no more together than one that does, so that
dozens of dead or command channels do not dilute what one analog channel says.
"""

import torch
from torch import Tensor

DEAREST = 10.0  # decades, more than any price
LEAST = 1e-3  # of a channel's share, that of its rank among those that say nothing


def weights(liveliness: Tensor, is_judged: Tensor) -> Tensor:
    """``v / sum(v)`` with ``v = u + (1 - u) / max(sum(1 - u), 1)`` of liveliness u, 0 where not judged. (B, C) each."""
    lively = liveliness * is_judged
    dull = is_judged.float() - lively
    weight = lively + dull / dull.sum(1, keepdim=True).clamp_min(1.0)
    return weight / weight.sum(1, keepdim=True).clamp_min(1e-9)


def priced(surprise: Tensor, weight: Tensor) -> Tensor:
    """``-log10(p / w)``, of which the largest is the joint surprise: weighted Bonferroni. (B, C), -inf at no weight."""
    return surprise + torch.log10(weight)


def shares(decades: Tensor) -> Tensor:
    """What each channel says beyond its price, of all of that. decades: (B, C) priced -> sum 1; 0 where none is judged.

    Where nobody says more than his price, whoever says most has the largest share all the same.
    """
    size = decades.clamp_min(0.0) + (decades + DEAREST).clamp_min(0.0) * LEAST
    return size / size.sum(1, keepdim=True).clamp_min(1e-12)
