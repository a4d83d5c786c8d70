"""What forecasts were worth, against the integral that defines it."""

import math

import pytest
import torch
from scipy import integrate, stats

from models.outcome import Outcome
from models.skill import crps, skill, tail
from models.tail import StudentTail


def integral(error: float, spread: float, freedom: float) -> float:
    """The definition: the squared distance of the two distribution functions, over all values."""
    model = stats.t(freedom, scale=spread)
    below = integrate.quad(lambda x: model.cdf(x) ** 2, -math.inf, error)[0]
    above = integrate.quad(lambda x: model.sf(x) ** 2, error, math.inf)[0]
    return float(below + above)


@pytest.mark.parametrize("error", [0.0, 0.3, -1.0, 4.0, -40.0])
@pytest.mark.parametrize(("spread", "freedom"), [(1.0, 2.0), (0.2, 3.5), (7.0, 60.0)])
def test_the_closed_form_is_the_integral(error: float, spread: float, freedom: float) -> None:
    p = 2 * stats.t.sf(abs(error) / spread, freedom)
    off, scale, nu, tail = (torch.tensor([number], dtype=torch.float64) for number in (error, spread, freedom, p))

    assert crps(off, scale, nu, tail).item() == pytest.approx(integral(error, spread, freedom), rel=1e-6, abs=1e-7)


def outcome_of(value: float, *, is_judged: bool) -> Outcome:
    shape = (1, 1)
    spread, freedom = torch.full(shape, 2.0), torch.full(shape, 5.0)
    number = torch.full(shape, value, dtype=torch.float64)
    surprise = StudentTail()((number / spread).float(), freedom)
    judged = torch.full(shape, is_judged)
    forecast = torch.zeros(shape, dtype=torch.float64)
    of_skill = {
        "value": number,
        "forecast": forecast,
        "spread": spread,
        "freedom": freedom,
        "raw_surprise": surprise,
        "is_judged": judged,
        "opened": torch.ones(1, 2, dtype=torch.bool),
    }
    return Outcome(**{**dict.fromkeys(Outcome._fields, torch.zeros(1)), **of_skill})


def test_a_reading_is_weighed_by_the_forecast_before_it() -> None:
    weighed = skill(outcome_of(4.0, is_judged=True), 0.8)

    assert weighed.crps.item() == pytest.approx(integral(4.0, 2.0, 5.0), rel=1e-3)
    assert weighed.is_outside.item()
    assert weighed.opened.item()


@pytest.mark.parametrize(("coverage", "is_outside"), [(0.88, True), (0.91, False)])
def test_a_reading_is_outside_where_the_forecast_itself_had_less_for_it(coverage: float, is_outside: bool) -> None:
    assert 2 * stats.t.sf(2.0, 5.0) == pytest.approx(0.102, abs=1e-3)

    assert skill(outcome_of(4.0, is_judged=True), coverage).is_outside.item() is is_outside


def test_what_had_no_forecast_weighs_nothing() -> None:
    weighed = skill(outcome_of(4.0, is_judged=False), 0.8)

    assert (weighed.crps.item(), weighed.is_outside.item()) == (0.0, False)


def test_a_tail_that_was_made_under_inference_is_one_to_learn_through() -> None:
    tail.cache_clear()
    with torch.inference_mode():
        tail(torch.device("cpu"))
    z = torch.tensor([1.5], requires_grad=True)

    tail(z.device)(z, torch.tensor([5.0])).sum().backward()

    assert z.grad is not None
    assert float(z.grad) > 0
