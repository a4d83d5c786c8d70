"""The one sum here: term by term, since a reduction may add in another order for another batch."""

import torch
from torch import Tensor


def total(terms: Tensor) -> Tensor:
    """The sum over the last axis. (..., D) -> (...)."""
    first, *rest = terms.unbind(-1)
    for term in rest:
        first = first + term
    return first


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of ``a * b`` over the last axis. (..., D), (..., D) -> (...)."""
    return total(a * b)


def shares(logits: Tensor) -> Tensor:
    """Weights that sum to 1, in proportion to ``exp(logits)``: softmax over the last axis. (..., D) -> (..., D)."""
    size = torch.exp(logits - logits.amax(-1, keepdim=True))
    return size / total(size).unsqueeze(-1)
