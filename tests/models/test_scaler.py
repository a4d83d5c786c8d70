"""The running scale: robust, floored, exact at large levels."""

import numpy as np
import torch
from torch import Tensor

from models import scaler
from models.column import fresh_state


def learnt(values: list[float] | np.ndarray) -> dict[str, Tensor]:
    state = fresh_state(scaler.columns(1), 1)
    for value in values:
        at = torch.tensor([[value]], dtype=torch.float64)
        state = scaler.update(at.nan_to_num(), at.isfinite(), state)
    return state


def scale(values: list[float] | np.ndarray) -> float:
    return float(scaler.floored_scale(learnt(values)))


def is_known(values: list[float]) -> bool:
    state = learnt(values)
    return bool(scaler.is_known(state, scaler.floored_scale(state)))


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def test_the_scale_is_the_mean_absolute_difference() -> None:
    values = noise(4000)

    assert 0.8 < scale(values) / np.abs(np.diff(values)).mean() < 1.2


def test_a_spike_moves_the_scale_by_little() -> None:
    calm = noise(500) + 10

    assert scale([*calm, 1e6, 10]) < 1.3 * scale(calm)


def test_the_unit_of_a_series_is_its_scale() -> None:
    assert np.isclose(scale(noise(300) * 1000 + 5000), 1000 * scale(noise(300) + 5), rtol=1e-3)


def test_a_scale_that_fell_silent_is_floored_by_its_past() -> None:
    values = noise(500)

    assert scale([*values, *[values[-1]] * 400]) > 0.02 * scale(values)


def test_steps_of_one_are_seen_at_a_level_of_a_billion() -> None:
    values = 1.7e9 + np.cumsum(np.ones(200))

    assert float(learnt(values)["scale"]) == 1


def test_a_first_reading_is_judged_by_its_own_size() -> None:
    assert scale([250.0]) == 250


def test_a_channel_that_has_only_ever_been_zero_is_not_known() -> None:
    assert not is_known([])
    assert not is_known([0.0, 0.0, 0.0])
    assert is_known([0.0, 0.0, 3.0])
    assert is_known([5.0])


def test_the_first_move_after_zeros_is_learnt_in_full() -> None:
    assert scale([0.0] * 40 + [640.0]) == 640 / 40
    assert is_known([0.0] * 40 + [640.0] + [0.0] * 40)


def test_an_absent_reading_changes_nothing() -> None:
    values = noise(50)

    whole, holed = learnt(values), learnt([*values, np.nan])

    assert all(torch.equal(whole[name], holed[name]) for name in whole)


def test_the_gaps_are_those_of_the_exponential_means() -> None:
    values = noise(300) * 3 + 40
    mean = values[0]
    for count, value in enumerate(values[1:], start=2):
        mean += max(1 / count, scaler.NEAR) * (value - mean)

    assert np.isclose(float(learnt(values)["near_gap"]), mean - values[-1], rtol=1e-3, atol=1e-3)
