"""The joint verdict over the channels of a reading: weighted Bonferroni.

Every analog channel weighs as much as another; all that hardly move weigh no more together than one that does, so that
dozens of dead or command channels do not dilute what one analog channel says.
"""

import torch
from torch import Tensor

from models.experts.dot import total

DEAREST = 10.0  # decades, more than any price
LEAST = 1e-3  # of a channel's share, that of its rank among those that say nothing


def evidence(surprise: Tensor, weight: Tensor) -> Tensor:
    """``-log10(p / w)``: the joint p-value of a reading is the least ``p / w``. All (B, C); -inf where not judged."""
    return surprise + torch.log10(weight)


def weights(liveliness: Tensor, is_judged: Tensor) -> Tensor:
    """``v / sum(v)`` with ``v = u + (1 - u) / max(sum(1 - u), 1)`` of liveliness u, 0 where not judged. (B, C) each."""
    judged = is_judged.float()
    lively = liveliness * judged
    dull = judged - lively
    weight = lively + dull / total(dull).clamp_min(1.0).unsqueeze(1)
    return weight / total(weight).clamp_min(1e-9).unsqueeze(1)


def shares(evidence: Tensor) -> Tensor:
    """What each channel says beyond its price, of all of that. (B, C), sum 1; 0 where nothing is judged.

    Where nobody says more than his price, whoever says most has the largest share all the same.
    """
    size = evidence.clamp_min(0.0) + (evidence + DEAREST).clamp_min(0.0) * LEAST
    return size / size.sum(1, keepdim=True).clamp_min(1e-12)
