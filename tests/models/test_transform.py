"""Transforms: what is judged instead of the raw value."""

import math

import pytest
import torch
from torch import Tensor

from models.column import fresh_state
from models.transform import Transform, Transforms


def judged(transform: Transform, values: list[float], elapsed: list[float] | None = None) -> list[float]:
    """The judged values of one series; NaN where there is nothing to judge."""
    transforms = Transforms([transform])
    state = fresh_state(transforms.columns, 1)
    seconds = elapsed or [math.nan] + [10.0] * (len(values) - 1)
    out = []
    for value, gap in zip(values, seconds, strict=True):
        present = torch.tensor([[not math.isnan(value)]])
        at = torch.tensor([[value]], dtype=torch.float64)
        value_now, is_present, columns = transforms(at, present, torch.tensor([gap]), state)
        state = {**state, **columns}
        out.append(float(value_now) if is_present else math.nan)
    return out


def test_a_difference_is_to_the_value_before() -> None:
    assert judged(Transform.DIFFERENCE, [3, 5, 4]) == pytest.approx([math.nan, 2, -1], nan_ok=True)


def test_a_log_return_is_of_positive_prices_only() -> None:
    returns = judged(Transform.LOG_RETURN, [100, 110, 0, 100, 50])

    assert returns == pytest.approx([math.nan, math.log(1.1), math.nan, math.nan, math.log(0.5)], nan_ok=True)


def test_a_rate_is_a_second_and_survives_a_counter_that_starts_again() -> None:
    assert judged(Transform.RATE, [100, 150, 20]) == pytest.approx([math.nan, 5, 2], nan_ok=True)


def test_a_rate_of_one_instant_is_nothing() -> None:
    assert judged(Transform.RATE, [100, 150], elapsed=[math.nan, 0.0]) == pytest.approx([math.nan] * 2, nan_ok=True)


def test_what_a_counter_gained_within_an_instant_counts_in_the_next_interval() -> None:
    rates = judged(Transform.RATE, [100, 110, 130, 140], elapsed=[math.nan, 1.0, 0.0, 1.0])

    assert rates == pytest.approx([math.nan, 10, math.nan, 30], nan_ok=True)


def test_a_missing_value_is_passed_over() -> None:
    assert judged(Transform.DIFFERENCE, [3, math.nan, 7]) == pytest.approx([math.nan, math.nan, 4], nan_ok=True)


def test_small_steps_of_a_large_counter_are_exact() -> None:
    assert judged(Transform.DIFFERENCE, [1.7e9, 1.7e9 + 1])[1] == 1


def test_a_channel_that_is_not_transformed_is_untouched_beside_one_that_is() -> None:
    transforms = Transforms([Transform.NONE, Transform.DIFFERENCE])
    state = fresh_state(transforms.columns, 1)
    values: Tensor = torch.tensor([[4.0, 4.0]], dtype=torch.float64)

    _, present, _ = transforms(values, torch.ones(1, 2, dtype=torch.bool), torch.tensor([1.0]), state)

    assert present.tolist() == [[True, False]]


def test_a_group_without_transforms_remembers_nothing_for_them() -> None:
    assert Transforms([Transform.NONE] * 3).columns == ()
