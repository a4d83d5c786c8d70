"""The one sum here: a running one, since a reduction may add in another order for another batch."""

import torch
from torch import Tensor


def total(terms: Tensor) -> Tensor:
    """The sum over the last axis. (..., D) -> (...)."""
    return terms.cumsum(-1).select(-1, -1)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of ``a * b`` over the last axis. (..., D), (..., D) -> (...)."""
    return total(a * b)


def shares(logits: Tensor) -> Tensor:
    """Weights that sum to 1, in proportion to ``exp(logits)``: softmax over the last axis. (..., D) -> (..., D)."""
    size = torch.exp(logits - logits.amax(-1, keepdim=True))
    return size / total(size).unsqueeze(-1)
