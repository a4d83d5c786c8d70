"""Sums term by term are sums."""

import torch

from models.experts.dot import dot, shares, total


def test_they_are_those_of_torch() -> None:
    a, b = torch.randn(2, 7, 3, 9, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(total(a), a.sum(-1))
    torch.testing.assert_close(dot(a, b), (a * b).sum(-1))
    torch.testing.assert_close(shares(8 * a), torch.softmax(8 * a, -1))
