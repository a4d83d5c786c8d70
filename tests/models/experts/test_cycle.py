"""The search for a period equals its slow textbook form, and finds what is there."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.column import fresh_state
from models.experts.cycle import Cycle
from tests.models.experts import textbook
from tests.models.experts.banks import sight_of


def cycled(values: Tensor) -> tuple[Cycle, dict[str, Tensor]]:
    """Take the search for a period along series. values: (T, B) -> it, and the state of (B, 1)."""
    cycle = Cycle()
    rows = values.shape[1]
    state = fresh_state(cycle.columns(1), rows)
    for n, value in enumerate(values.double().unsqueeze(-1)):
        state.update(cycle.learn(sight_of(value, age=torch.full((rows, 1), n + 1.0)), state))
    return cycle, state


PERIODS = (3, 5, 7, 12, 12.5, 24, 30.4, 48, 96, 133.3, 160)


@pytest.fixture(scope="module")
def planted() -> tuple[Tensor, dict[str, Tensor]]:
    """Noisy waves of known periods, then white noise, then random walks. -> values (T, B), state."""
    rng = torch.Generator().manual_seed(2)
    time = torch.arange(700).unsqueeze(-1)
    turn = 2 * torch.pi * time / torch.tensor(PERIODS)
    noise, shocks = torch.randn(2, 700, 40, generator=rng)
    waves = torch.sin(turn) + 0.5 * torch.sin(2 * turn + 1) + 0.15 * noise[:, : len(PERIODS)]
    values = torch.cat((waves, noise, shocks.cumsum(0)), -1)
    return values, cycled(values)[1]


def test_lag_errors_and_period_are_those_of_brute_force(planted: tuple[Tensor, dict[str, Tensor]]) -> None:
    values, state = planted
    for row in (0, 4, 16, 56):
        reference = textbook.Cycle()
        for y in values[:, row].tolist():
            reference.learn(y)

        np.testing.assert_allclose(state["lag_error"][row, 0], reference.error[1:], rtol=1e-4)
        assert int(state["period"][row, 0]) == reference.period


def test_a_day_is_the_first_guess_of_a_period() -> None:
    days = (0, 12, 24, 25, 48, 300, 336, 337)
    noise = torch.randn(700, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    pace = torch.tensor([[1 / day if day else 0.0, 0.0] for day in days])
    cycle, references = Cycle(), [textbook.Cycle(day=day) for day in days]
    state = fresh_state(cycle.columns(1), len(days))
    for n, value in enumerate(noise):
        age = torch.full((len(days), 1), n + 1.0)
        state.update(cycle.learn(sight_of(value.expand(len(days), 1), age=age, pace=pace), state))
        for reference in references:
            reference.learn(float(value))

        assert state["period"].flatten().tolist() == [reference.period for reference in references], n


def test_planted_periods_are_found(planted: tuple[Tensor, dict[str, Tensor]]) -> None:
    found = planted[1]["period"][: len(PERIODS), 0].tolist()

    for period, lag in zip(PERIODS, found, strict=True):
        cycles = round(lag / period)
        assert 1 <= cycles <= 5
        assert abs(lag - cycles * period) <= max(1, 0.01 * period)


def test_no_period_is_found_where_there_is_none(planted: tuple[Tensor, dict[str, Tensor]]) -> None:
    noise, walks = (planted[1]["period"][len(PERIODS) :, 0] == 0).float().view(2, 40)

    assert noise.mean() >= 0.9
    assert walks.mean() >= 0.75
