"""The band: it holds its share of the readings whatever the forecast says of its own spread."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models import band
from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State, fresh_state
from models.detector import Detector, DetectorOptions
from models.heads import StudentT
from models.transform import Transform
from tests.models.walks import walk
from tests.stepped import Stepped

ROWS = 32
EVERY = torch.ones(1, 1, dtype=torch.bool)


@given(st.lists(st.floats(0.5, 10), min_size=50, max_size=300), st.sampled_from([0.1, 0.01]))
def test_the_share_outside_is_the_promised_one_whatever_comes(sizes: list[float], share_outside: float) -> None:
    """The bound of the docstring, for any sequence that keeps the band off its own bounds."""
    state: State = fresh_state(band.columns(1), 1)
    outside, is_free = [], True
    for size in sizes:
        is_outside = torch.tensor([[size]]) > band.width(torch.full((1, 1), 2.0), state)
        outside.append(float(is_outside))
        state = band.update(is_outside, EVERY, share_outside, state)
        is_free = is_free and abs(float(state["band"])) < band.MOST

    excess = sum(outside) / len(sizes) - share_outside

    assert not is_free or abs(excess) <= band.MOST / (band.RATE * len(sizes)) + 1e-5


def test_what_is_not_judged_teaches_nothing() -> None:
    state: State = fresh_state(band.columns(1), 1)

    after = band.update(EVERY, ~EVERY, 0.1, state)

    assert torch.equal(after["band"], state["band"])


@pytest.mark.parametrize("too_wide", [0.4, 1.0, 1.5])
@pytest.mark.parametrize("coverage", [0.9, 0.98])
def test_a_forecaster_that_is_wrong_of_its_spread_gets_an_honest_band(
    too_wide: float, coverage: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecaster = load(shipped("gru")).forecaster
    plain = type(forecaster).forecast

    def wrong(_: object, state: State) -> StudentT:
        location, log_scale, freedom = plain(forecaster, state)
        return StudentT(location, log_scale + math.log(too_wide), freedom)

    monkeypatch.setattr(type(forecaster), "forecast", wrong)
    detector = Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=coverage))
    state, pool, inside, step = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), [], Stepped(detector)
    with torch.inference_mode():
        for reading in walk(1_200, ROWS, seed=3).readings():
            outcome, state = step(*reading, state, pool)
            says = detector.explain(outcome)
            inside.append((outcome.value >= says.lower) & (outcome.value <= says.upper))

    assert float(torch.stack(inside[400:]).float().mean()) == pytest.approx(coverage, abs=0.01)
