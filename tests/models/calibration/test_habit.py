"""A channel's own tail: exact forecasts are left as they are, and who is far out often is not far out."""

import torch

from models.calibration import habit
from models.calibration.habit import LEAST_RATE
from models.column import fresh_state

ROWS = 32


def state_after(surprise: torch.Tensor) -> dict[str, torch.Tensor]:
    """What is remembered after raw surprise (T, ROWS, 1)."""
    state = {**fresh_state(habit.columns(1), ROWS), "age": torch.zeros(ROWS, 1)}
    for one in surprise:
        state |= habit.update(one, torch.ones(ROWS, 1, dtype=torch.bool), state)
        state["age"] = state["age"] + 1
    return state


def exact(readings: int, seed: int = 0) -> torch.Tensor:
    """Surprise of forecasts that are right: exponential in decades."""
    uniform = torch.rand(readings, ROWS, 1, generator=torch.Generator().manual_seed(seed))
    return -torch.log10(uniform.clamp_min(1e-9))


def test_in_the_tail_of_an_exact_forecast_surprise_is_what_it_says() -> None:
    fresh = {**fresh_state(habit.columns(1), ROWS)}
    surprise = torch.linspace(0, 8, ROWS).unsqueeze(1)

    torch.testing.assert_close(habit.tempered(surprise, fresh), surprise)


def test_who_is_always_twice_as_surprised_is_surprised_as_often_as_others() -> None:
    state = state_after(2 * exact(4_000))

    tempered = torch.stack([habit.tempered(one, state) for one in 2 * exact(2_000, seed=1)])

    shares = [float((tempered > level).float().mean()) for level in (1.0, 2.0, 3.0)]
    assert 0.07 < shares[0] < 0.14
    assert 0.006 < shares[1] < 0.016
    assert shares[2] < 0.003


def test_one_reading_far_out_does_not_hide_the_next() -> None:
    state = state_after(exact(2_000))

    hit = state_after(torch.cat((exact(2_000), torch.full((1, ROWS, 1), 300.0))))

    then = torch.full((ROWS, 1), 8.0)
    assert (habit.tempered(then, hit) > 0.85 * habit.tempered(then, state)).all()


def test_a_channel_that_is_never_far_out_is_not_made_rare_without_bound() -> None:
    state = state_after(torch.zeros(2_000, ROWS, 1))

    assert (habit.tempered(torch.ones(ROWS, 1), state) <= -torch.log10(torch.tensor(LEAST_RATE)) + 1e-5).all()
