"""The bank: what its experts say, how wrong they have been, and what neither is disturbed by."""

import pytest
import torch

from models.experts.bank import EXPERTS, Bank, Tier
from models.training.forecasting import Batch
from tests.models.experts.banks import Along, along
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


@pytest.mark.parametrize("begins", [0.0, 30_000.0, 60_000.0])
def test_one_day_is_enough_to_know_the_next_one_by(begins: float) -> None:
    """A quiet night, a day with a hump, five minutes a reading: whatever the hour at which the first reading comes."""
    run, usual = a_working_day(600, begins)

    errors = [
        abs(float(run.views[n].offsets[0, 0, 1, DAY_EXPERT] * run.views[n].unit[0, 0, 1]) - (usual[n + 12] - usual[n]))
        for n in range(288, 576)
    ]
    assert sum(errors) / len(errors) < 1.6  # of 16 from night to noon, in bins of an hour


def test_the_record_of_the_day_begins_anew_when_a_whole_one_was_seen() -> None:
    run, _ = a_working_day(420, 0.0)

    errors = [float(view.log_errors[0, 0, 1, DAY_EXPERT].exp() * view.unit[0, 0, 1]) for view in run.views]
    assert errors[285] > 5  # of a day that it had seen no whole one of
    assert errors[419] < 2  # after a few dozen errors of the second one; and of the other experts none has less
    assert run.views[419].log_errors[0, 0, 1, :-1].argmin() == DAY_EXPERT


DAY_EXPERT = EXPERTS.index("day")


def a_working_day(readings: int, begins: float) -> tuple[Along, list[float]]:
    """A bank along days of five-minute readings with a little noise. -> it, and what they are without the noise."""
    hour = (begins / 3600 + torch.arange(readings).double() / 12) % 24
    usual = 100 + torch.where((hour > 7) & (hour < 19), 10 + 6 * torch.sin((hour - 7) * torch.pi / 12), 0.0)
    values = usual + 0.1 * torch.randn(readings, generator=torch.Generator().manual_seed(0))
    there = torch.ones(readings, 32, 1, dtype=torch.bool)
    elapsed = torch.full((readings, 32), 300.0)
    elapsed[0] = torch.nan
    calendar = phases((hour * 3600).view(-1, 1).expand(readings, 32))
    batch = Batch(values.view(-1, 1, 1).expand(readings, 32, 1), there, there, elapsed, calendar)
    return along(Bank(Tier.COMPACT, (1, 12)), batch), usual.tolist()
