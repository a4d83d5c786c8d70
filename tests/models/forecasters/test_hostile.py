"""No reading, however absurd, leaves a series without a forecast for good."""

import pytest
import torch

from models.forecasters import Forecaster, Spec, build
from models.training.forecasting import Batch
from tests.models.walks import phases, taken

NOISE = torch.randn(90, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
DISTURBED = torch.arange(90) % 7 == 6
SIGNS = torch.where(torch.arange(90) % 2 == 0, 1.0, -1.0).double()
MIDDLE = (torch.arange(90) >= 30) & (torch.arange(90) < 35)
VALUES = {
    "zeros": torch.zeros(90),
    "a constant": torch.full((90,), 5.0),
    "a spike after zeros": torch.where(MIDDLE, 1e30, 0.0),
    "numbers as small as they come": NOISE * 1e-30,
    "all sizes": torch.logspace(-30, 30, 90, dtype=torch.float64),
    "small, then huge, then small": NOISE * torch.where(MIDDLE, 1e30, 1e-30),
    "a sentinel of either sign": torch.where(DISTURBED, 3.4e38 * SIGNS, NOISE),
    "what only double precision holds": torch.where(DISTURBED, 1e300, NOISE),
}
ELAPSED = {
    "readings of one instant": torch.where(DISTURBED, 0.0, 60.0),
    "the year 2099": torch.where(torch.arange(90) == 40, 2.3e9, 60.0),
    "a nanosecond": torch.where(MIDDLE, 1e-9, 60.0),
}


def batch(values: torch.Tensor, elapsed: torch.Tensor) -> Batch:
    seconds = elapsed.double().cumsum(0).unsqueeze(1).expand(-1, 32)
    columns = values.double().view(-1, 1, 1).expand(-1, 32, 1)
    present = torch.ones_like(columns, dtype=torch.bool)
    return Batch(columns, present, present, elapsed.float().unsqueeze(1).expand(-1, 32), phases(seconds))


@pytest.fixture(params=[("combiner", "compact"), ("combiner", "rich"), ("experts", "rich"), ("recurrent", "compact")])
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    kind, tier = request.param
    torch.manual_seed(0)
    built = build(Spec("gru", 8, kind, tier)).requires_grad_(False)
    return built if kind == "recurrent" else built.at((1, 12))


@pytest.mark.parametrize("case", [*VALUES, *ELAPSED])
def test_forecasts_and_memory_stay_finite(forecaster: Forecaster, case: str) -> None:
    readings = batch(VALUES.get(case, NOISE), ELAPSED.get(case, torch.full((90,), 60.0)))

    said, state = taken(forecaster, readings)

    assert all(part.isfinite().all() for part in said)
    known = {name: column for name, column in state.items() if name not in ("ring", "slot_value")}
    assert all(column.isfinite().all() for column in known.values())
