"""The one sum of products here: term by term, since a reduction may add in another order for another batch."""

from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The sum of ``a * b`` over the last axis. (..., D), (..., D) -> (...)."""
    product = a * b
    total = product[..., 0]
    for i in range(1, product.shape[-1]):
        total = total + product[..., i]
    return total
