"""Tail probabilities and quantiles of Student's t, against scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

from models.tail import MAX_SURPRISE, StudentQuantile, StudentTail


@pytest.mark.parametrize("freedom", [1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0])
def test_the_tail_is_scipys_within_a_thousandth_down_to_1e_minus_30(freedom: float) -> None:
    p = 10.0 ** -np.linspace(0.001, 30, 500)
    t = stats.t.isf(p / 2, freedom).astype(np.float32)

    surprise = StudentTail()(torch.from_numpy(t), torch.full((500,), freedom)).double().numpy()

    expected = -np.log10(2 * stats.t.sf(t.astype(np.float64), freedom))
    assert np.abs(10 ** (expected - surprise) - 1).max() < 1e-3


def test_the_tail_is_even_in_t_and_bounded() -> None:
    t = torch.tensor([0.0, 3.0, -3.0, 1e30, torch.finfo(torch.float32).max])

    surprise = StudentTail()(t, torch.full((5,), 4.0))

    assert surprise[0] == pytest.approx(0, abs=1e-5)
    assert surprise[1] == surprise[2]
    assert surprise.isfinite().all()
    assert surprise.max() <= MAX_SURPRISE


def test_a_row_has_the_same_bits_whatever_comes_with_it() -> None:
    generator = torch.Generator().manual_seed(1)
    t, freedom = torch.randn(2048, generator=generator) * 9, torch.rand(2048, generator=generator) * 58 + 2
    whole = StudentTail()(t, freedom)

    for rows in (32, 64, 512):
        assert torch.equal(StudentTail()(t[100 : 100 + rows], freedom[100 : 100 + rows]), whole[100 : 100 + rows])


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99, 0.9999])
def test_the_band_is_scipys_quantile(coverage: float) -> None:
    freedom = torch.linspace(1, 60, 1000)

    quantile = StudentQuantile(coverage)(freedom).numpy()

    expected = stats.t.isf((1 - coverage) / 2, freedom.double().numpy())
    assert np.abs(quantile / expected - 1).max() < 1e-3
