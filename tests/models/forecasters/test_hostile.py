"""No reading, however absurd, leaves a series without a forecast for good."""

import pytest
import torch

from models.forecasters import BASELINES, Kind, Spec, build
from models.training.forecasting import Batch
from tests.models.walks import phases, taken

LENGTH, ROWS = 90, 32
NOISE = torch.randn(LENGTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TURN = torch.arange(LENGTH)
DISTURBED, MIDDLE = TURN % 7 == 6, (TURN >= 30) & (TURN < 35)
SIGNS = torch.where(TURN % 2 == 0, 1.0, -1.0).double()
MINUTE = torch.full((LENGTH,), 60.0)
CASES = {  # values, elapsed seconds
    "zeros": (NOISE * 0, MINUTE),
    "a constant": (NOISE * 0 + 5, MINUTE),
    "a spike after zeros": (torch.where(MIDDLE, 1e30, 0.0), MINUTE),
    "a spike after next to nothing": (torch.where(MIDDLE, 1e30, torch.where(TURN == 20, 1e-9, 0.0)), MINUTE),
    "numbers as small as they come": (NOISE * 1e-30, MINUTE),
    "all sizes": (torch.logspace(-30, 30, LENGTH, dtype=torch.float64), MINUTE),
    "small, then huge, then small": (NOISE * torch.where(MIDDLE, 1e30, 1e-30), MINUTE),
    "a sentinel of either sign": (torch.where(DISTURBED, 3.4e38 * SIGNS, NOISE), MINUTE),
    "what only double precision holds": (torch.where(DISTURBED, 1e300, NOISE), MINUTE),
    "readings of one instant": (NOISE, torch.where(DISTURBED, 0.0, 60.0)),
    "the year 2099": (NOISE, torch.where(TURN == 40, 2.3e9, 60.0)),
    "a nanosecond": (NOISE, torch.where(MIDDLE, 1e-9, 60.0)),
}


def every_case() -> Batch:
    """A case a row, and rows of nothing."""
    values = torch.zeros(LENGTH, ROWS, dtype=torch.float64)
    elapsed = torch.full((LENGTH, ROWS), 60.0)
    for row, (of_case, seconds) in enumerate(CASES.values()):
        values[:, row], elapsed[:, row] = of_case, seconds
    present = (torch.arange(ROWS) < len(CASES)).expand(LENGTH, ROWS).unsqueeze(-1)
    return Batch(values.unsqueeze(-1), present, present, elapsed, phases(elapsed.double().cumsum(0)))


@pytest.mark.parametrize(
    ("kind", "tier"),
    [
        *(("combiner", "compact"), ("combiner", "rich"), ("experts", "rich"), ("recurrent", "compact")),
        *((baseline, "compact") for baseline in BASELINES),
    ],
)
def test_forecasts_and_memory_stay_finite(kind: str, tier: str) -> None:
    torch.manual_seed(0)
    forecaster = build(Spec("gru", 8, kind, tier)).requires_grad_(False)
    if Kind(kind).has_experts:
        forecaster = forecaster.at((1, 12))

    said, state = taken(forecaster, every_case())

    finite = torch.stack([part.isfinite().reshape(LENGTH, ROWS, -1).all(-1) for part in said]).all(0).all(0)  # (ROWS,)
    for name, column in state.items():
        if name not in (
            "ring",
            "slot_value",
            "ahead_slot_value",
            "log_interval",
            "errors",
            "day",
            "week",
            "longest_unmoved",
        ):  # NaN: there is nothing yet
            finite &= column.isfinite().reshape(ROWS, -1).all(-1)
        if name != "longest_unmoved":  # which is infinite where nothing has moved yet
            finite &= ~column.isinf().reshape(ROWS, -1).any(-1)
    assert [case for case, is_finite in zip(CASES, finite.tolist(), strict=False) if not is_finite] == []
