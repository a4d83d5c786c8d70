"""The bands of further horizons: each holds its share of the readings, whatever its forecast says of its own spread."""

import math

import pytest
import torch
from torch import Tensor

from models import band
from models.artifact import load, shipped
from models.band_ahead import BandAhead
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State, fresh_state
from models.detector import Detector, DetectorOptions
from models.experts.sight import Sight
from models.heads import StudentT
from models.transform import Transform
from tests.models.experts.textbook import Pending
from tests.models.walks import walk
from tests.stepped import Stepped

HORIZONS, ROWS = (3, 12, 24), 32


def sight_of(value: float, is_next: bool = True) -> Sight:
    one, truth = torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool)
    last = torch.full((1, 1), value, dtype=torch.float64)
    return Sight(one, truth, one, truth & is_next, last, one, one, one, torch.zeros(1, 2), torch.zeros(1, 2))


def test_a_band_is_judged_as_it_was_served_when_its_reading_has_come() -> None:
    rng = torch.Generator().manual_seed(2)
    bands, pending, widening = BandAhead(HORIZONS, 0.1), Pending(HORIZONS), dict.fromkeys(HORIZONS, 0.0)
    state: State = fresh_state(bands.columns(1), 1)
    for n in range(200):
        value, offset, half = torch.randn(3, generator=rng).tolist()
        is_next = n % 17 != 0  # the others came too late to be compared with

        said = torch.full((1, 1, 3), offset), torch.full((1, 1, 3), abs(half))
        state = {**state, **bands.learn(sight_of(value, is_next), *said, state)}

        for horizon, (forecast, widths) in pending.due(n).items():
            outside = abs(value - forecast) > widths[horizon]
            widening[horizon] += band.RATE * (outside - 0.1) * is_next
        pending.keep(n, (value + offset, {horizon: abs(half) * math.exp(log) for horizon, log in widening.items()}))
        assert state["ahead_band"].flatten().tolist() == pytest.approx([*widening.values()], abs=1e-5)


def test_what_was_no_forecast_teaches_nothing() -> None:
    bands = BandAhead(HORIZONS, 0.1)
    state: State = fresh_state(bands.columns(1), 1)
    unknown = torch.full((1, 1, 3), torch.nan)

    for n in range(40):
        state = {**state, **bands.learn(sight_of(float(n)), unknown, unknown, state)}

    assert not state["ahead_band"].any()
    assert all(column.isfinite().all() for name, column in state.items() if name != "ahead_slot_value")


@pytest.mark.parametrize("too_wide", [0.4, 1.5])
def test_a_forecaster_that_is_wrong_of_its_spread_gets_honest_bands(
    too_wide: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecaster = load(shipped("gru")).forecaster.at((1, 3, 24))
    plain = type(forecaster).ahead

    def wrong(_: object, state: State) -> StudentT:
        location, log_scale, freedom = plain(forecaster, state)
        return StudentT(location, log_scale + math.log(too_wide), freedom)

    monkeypatch.setattr(type(forecaster), "ahead", wrong)
    detector = Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=0.9))
    state, pool, edges, step = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), [], Stepped(detector)
    batch = walk(1_500, ROWS, seed=3)
    with torch.inference_mode():
        for reading in batch.readings():
            _, state = step(*reading, state, pool)
            edges.append(torch.stack(detector.ahead(state)[1:]))

    for k, horizon in enumerate((3, 24)):
        lower, upper = (part[400:-horizon, :, :, k] for part in torch.stack(edges, 1))
        assert share_inside(lower, batch.values[400 + horizon :], upper) == pytest.approx(0.9, abs=0.015)


def share_inside(lower: Tensor, value: Tensor, upper: Tensor) -> float:
    return float(((value >= lower) & (value <= upper)).double().mean())
