"""The bank: what its experts say, how wrong they have been, and what neither is disturbed by."""

import pytest
import torch

from models.experts.bank import Bank, Tier
from models.training.forecasting import Batch
from tests.models.experts.banks import along
from tests.models.walks import phases, walk

TIERS = list(Tier)


@pytest.mark.parametrize("tier", TIERS)
def test_nobody_is_sure_of_a_forecast_that_has_not_been_judged(tier: Tier) -> None:
    batch = walk(30, cadence_seconds=60.0)
    batch.present[:28] = False
    batch.elapsed[29] = 600.0  # the second reading cannot be compared with the first

    views = along(Bank(tier, (1, 5)), batch).views

    assert not views[-1].log_errors.any()


def test_a_day_is_learnt_by_a_series_that_was_flat_before() -> None:
    step = torch.arange(48 * 8).view(-1, 1)
    seconds = step.double() * 1800
    day = 5 + 3 * torch.sin(seconds * (2 * torch.pi / 86_400))
    values = torch.where(step < 48, 5.0, day).unsqueeze(-1)
    present = torch.ones_like(values, dtype=torch.bool)
    bank = Bank(Tier.COMPACT, (1, 12))

    views = along(bank, Batch(values, present, present, torch.full((48 * 8, 1), 1800.0), phases(seconds))).views

    errors = [
        (float((view.offsets * view.unit.unsqueeze(-1))[0, 0, 1, bank.experts.index("day")]), float(moved))
        for view, moved in zip(views[-60:-12], (values[-48:] - values[-60:-12]).flatten(), strict=True)
    ]
    assert sum(abs(said - moved) for said, moved in errors) < 0.7 * sum(abs(moved) for _, moved in errors)
