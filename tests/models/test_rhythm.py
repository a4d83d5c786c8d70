"""What is usual at an hour is learnt over days, and an incident is not taken for it."""

import math

import numpy as np
import torch

from models import rhythm
from models.column import State, fresh_state

QUARTERS = 96


def calendar(quarter: int) -> torch.Tensor:
    return torch.tensor([[quarter % QUARTERS / QUARTERS, 0.0]])


def learnt(size: torch.Tensor, judged: torch.Tensor, quarter: int, state: State) -> State:
    """What is remembered after one reading."""
    return {**state, **rhythm.update(size, judged, rhythm.clock(judged, calendar(quarter), state), state)}


def widening_at(quarter: int, state: State) -> torch.Tensor:
    """How much wider the band of one channel is then."""
    return rhythm.widening(rhythm.clock(torch.ones(1, 1).bool(), calendar(quarter), state), state)


def after(z: list[float]) -> State:
    """What is remembered after these, one a quarter of an hour, from midnight on."""
    state: State = fresh_state(rhythm.columns(1), 1)
    for quarter, size in enumerate(z):
        state = learnt(torch.tensor([[size]]), torch.ones(1, 1).bool(), quarter, state)
    return state


def plainly(z: list[float]) -> list[float]:
    """The usual peak of each hour, in plain words: hours that are over, one after the other."""
    usual = [0.0] * 24
    peaks = [max(abs(size) for size in z[first : first + 4]) for first in range(0, len(z), 4)]
    for number, peak in enumerate(peaks[:-1]):
        known = usual[number % 24]
        seen = min(peak, 2 * known + 3)
        usual[number % 24] += (0.5 if seen > known else 0.15) * (seen - known)
    return usual


def test_the_usual_peak_of_each_hour_is_that_of_the_plain_loop() -> None:
    z = np.random.default_rng(0).normal(size=5 * QUARTERS).tolist()

    state = after(z)

    np.testing.assert_allclose(torch.expm1(state["rhythm"].float())[0, 0], plainly(z), rtol=3e-3)


def test_an_hour_that_is_far_out_every_day_is_expected_to_be_and_others_are_not() -> None:
    day = [0.5] * QUARTERS
    day[6 * 4] = 30.0

    state = after(day * 10)

    assert float(widening_at(6 * 4 + 2, state)) > 6
    assert float(widening_at(7 * 4, state)) == 1


def test_a_single_incident_hardly_widens_its_hour() -> None:
    day = [0.5] * QUARTERS
    worst = [*day[:24], *[1000.0] * 4, *day[28:]]

    state = after(day * 10 + worst)

    assert float(widening_at(24, state)) < 2


def test_an_hour_in_which_nothing_was_judged_teaches_nothing() -> None:
    state: State = fresh_state(rhythm.columns(2), 1)
    for quarter in range(QUARTERS):
        judged = torch.tensor([[True, False]])
        state = learnt(torch.full((1, 2), 2.0), judged, quarter, state)

    assert math.isclose(float(torch.expm1(state["rhythm"][0, 0, 5].float())), 1.0, rel_tol=1e-3)
    assert not state["rhythm"][0, 1].any()
