"""The linear recurrence: the fast form against the slow one, its gradients, and long sequences against float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.cells.linear_scan import linear_scan, linear_scan_slowly

LONG = 32_768


def terms(length: int, dtype: torch.dtype = torch.float64, shape: tuple[int, ...] = (2, 3)) -> tuple[Tensor, ...]:
    """Of these, a lies within the unit circle, b and h0 anywhere."""
    generator = torch.Generator().manual_seed(length)
    a = torch.rand(length, *shape, dtype=torch.float64, generator=generator).to(dtype)
    if dtype.is_complex:
        a = a * torch.exp(9j * torch.rand(length, *shape, dtype=torch.float64, generator=generator))
    b = torch.randn(length, *shape, dtype=dtype, generator=generator)
    return a, b, torch.randn(*shape, dtype=dtype, generator=generator)


@given(length=st.integers(1, 70), dtype=st.sampled_from([torch.float64, torch.complex128]))
@settings(max_examples=40, deadline=None)
def test_the_fast_form_equals_the_slow_one_at_every_length(length: int, dtype: torch.dtype) -> None:
    a, b, h0 = terms(length, dtype)

    states = linear_scan(a, b, h0)

    torch.testing.assert_close(states, linear_scan_slowly(a, b, h0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("length", [1, 16, 21])
def test_gradients_agree_with_finite_differences(length: int, dtype: torch.dtype) -> None:
    inputs = tuple(tensor.requires_grad_() for tensor in terms(length, dtype, shape=(2,)))

    assert torch.autograd.gradcheck(linear_scan, inputs)


@pytest.mark.parametrize("memory_steps", [10, 1_000, 100_000])
def test_single_precision_holds_over_a_long_sequence_forwards_and_backwards(memory_steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    decay = torch.exp(-torch.rand(LONG, 4, generator=generator) / memory_steps)
    values = [decay, torch.randn(LONG, 4, generator=generator), torch.randn(4, generator=generator)]
    weight = torch.randn(LONG, 4, generator=generator)

    single = [value.clone().requires_grad_() for value in values]
    ours = linear_scan(*single)
    (ours * weight).sum().backward()  # type: ignore[no-untyped-call]

    double = [value.double().requires_grad_() for value in values]
    exact = linear_scan(*double)
    (exact * weight).sum().backward()  # type: ignore[no-untyped-call]
    assert off(ours, exact) < 5e-6
    for found, expected in zip(single, double, strict=True):
        assert found.grad is not None
        assert expected.grad is not None
        assert off(found.grad, expected.grad) < 5e-6


def off(found: Tensor, exact: Tensor) -> float:
    """The largest error, as a share of the largest size."""
    return float((found - exact).detach().abs().max() / exact.detach().abs().max())
