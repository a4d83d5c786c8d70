"""The linear recurrence: the fast form against the slow one, its gradients, and long sequences against float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.cells.linear_scan import linear_scan, linear_scan_slowly

LONG = 32_768
TOLERANCE = 1e-5  # of single precision over so many steps


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("memory_steps", [10, 1_000, 100_000])
def test_single_precision_holds_over_a_long_sequence_forwards_and_backwards(
    memory_steps: int, dtype: torch.dtype
) -> None:
    """Beside one step after the other in double precision, there and back."""
    generator = torch.Generator().manual_seed(0)
    decay = torch.exp(-torch.rand(LONG, 4, generator=generator) / memory_steps).to(dtype)
    if dtype.is_complex:
        decay = decay * torch.exp(3j * torch.rand(LONG, 4, generator=generator))
    values = [decay, *(torch.randn(*shape, dtype=dtype, generator=generator) for shape in ((LONG, 4), (4,)))]
    weight = torch.randn(LONG, 4, dtype=dtype, generator=generator)

    single = [value.clone().requires_grad_() for value in values]
    states = linear_scan(*single)
    states.backward(weight)  # type: ignore[no-untyped-call]

    a, b, h0 = (value.to(torch.promote_types(dtype, torch.float64)) for value in values)
    exact = linear_scan_slowly(a, b, h0)
    assert off(states, exact) < TOLERANCE
    for found, expected in zip(single, gradients(a, h0, exact, weight.to(a.dtype)), strict=True):
        assert found.grad is not None
        assert off(found.grad, expected) < TOLERANCE


def gradients(a: Tensor, h0: Tensor, states: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Those of a, b and h0 by hand, one step after the other, where ``weight`` is that of the states."""
    before = torch.cat((h0.unsqueeze(0), states[:-1]))
    passed, of_states = torch.zeros_like(h0), []
    for decay, own in zip(a.flip(0), weight.flip(0), strict=True):
        of_states.append(own + passed)
        passed = decay.conj() * of_states[-1]
    of_b = torch.stack(of_states).flip(0)
    return of_b * before.conj(), of_b, passed


def off(found: Tensor, exact: Tensor) -> float:
    """The largest error, as a share of the largest size."""
    return float((found - exact).detach().abs().max() / exact.detach().abs().max())
