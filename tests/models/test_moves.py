"""The moves of a channel: what is usual of one that mostly stays where it is, and from when on one is lively."""

import math

import torch
from torch import Tensor

from models import moves, scaler
from models.column import fresh_state

ROWS = 32
STEP = torch.ones(ROWS)
BY_FORECAST = torch.full((ROWS, 1), 40.0)  # decades


def lived(values: list[float]) -> dict[str, Tensor]:
    """The state after a channel's values."""
    state = fresh_state((*scaler.columns(1), *moves.columns(1)), ROWS)
    seen = torch.ones(ROWS, 1, dtype=torch.bool)
    for value in values:
        now = torch.full((ROWS, 1), value, dtype=torch.float64)
        state = {**state, **moves.update(now, seen, STEP, state), **scaler.update(now, seen, state)}
    return state


def surprise_of(value: float, state: dict[str, Tensor]) -> float:
    now = torch.full((ROWS, 1), value, dtype=torch.float64)
    return float(moves.tempered(BY_FORECAST, now, STEP.unsqueeze(1), state)[0, 0])


def test_a_first_move_surprises_by_how_long_the_channel_has_stood_still() -> None:
    assert math.isclose(surprise_of(21.0, lived([20.0] * 10)), 2.0, abs_tol=1e-4)
    assert math.isclose(surprise_of(21.0, lived([20.0] * 1000)), 6.0, abs_tol=1e-4)


def test_a_channel_that_moves_at_every_reading_is_judged_by_its_forecast_from_the_fourth_on() -> None:
    values = [20.0, 20.3, 19.9, 20.4]

    assert surprise_of(25.0, lived(values)) == 40.0
    assert moves.liveliness(lived(values)).eq(1).all()
    assert moves.liveliness(lived(values[:2])).lt(0.5).all()


def test_the_way_back_of_a_coarse_sensor_is_no_surprise() -> None:
    assert surprise_of(20.0, lived([20.0] * 20 + [21.0])) < 2.0


def test_a_move_of_many_strides_surprises_whatever_the_channel_is() -> None:
    switching = lived(([0.0] * 20 + [1.0] * 20) * 10)

    assert surprise_of(0.0, switching) < 2.0
    assert surprise_of(100.0, switching) > 6.0


def test_no_channel_surprises_more_than_its_forecast_says() -> None:
    small = torch.full((ROWS, 1), 0.7)
    now = torch.full((ROWS, 1), 21.0, dtype=torch.float64)

    for values in ([20.0], [20.0] * 30, [20.0, 21.0] * 3 + [20.0] * 40, [20.0, 20.1, 20.3, 19.8]):
        assert moves.tempered(small, now, STEP.unsqueeze(1), lived(values)).le(0.7).all()
