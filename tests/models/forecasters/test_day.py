"""A daily season is learnt at every cadence, by the experts of both tiers."""

import pytest
import torch
from torch import Tensor

from models.experts.bank import Bank, Tier
from models.training.forecasting import Batch
from tests.models.experts.banks import along
from tests.models.walks import DAY, phases

MOST = 288  # readings of the three days: of a cadence with more, those between are left out, and counted as seen
ROWS = 8
COUNTED = 24  # readings at the cadence itself, after these days


def days(first_seconds: float, cadence_seconds: float, length: int) -> Batch:
    """Series whose days begin at all hours, in a little noise: what is counted of them together is a whole day."""
    seconds = first_seconds + torch.arange(length).double() * cadence_seconds
    turn = (seconds.unsqueeze(1) / DAY + torch.arange(ROWS) / ROWS) * (2 * torch.pi)
    day = torch.sin(turn) + 0.4 * torch.cos(2 * turn)
    noise = torch.randn(length, ROWS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    values = (20 + 5 * day + 0.02 * noise).unsqueeze(-1)
    present = torch.ones_like(values, dtype=torch.bool)
    every = seconds.unsqueeze(1).expand(-1, ROWS)
    return Batch(values, present, present, torch.full((length, ROWS), cadence_seconds), phases(every))


def memory_of_three_days(tier: Tier, cadence: float) -> dict[str, Tensor]:
    """What is remembered of three days, of which one reading in so many was shown."""
    times = max(1.0, 3 * DAY / cadence / MOST)
    thin = cadence * times
    state = along(Bank(tier, (1, round(DAY / 4 / thin))), days(0.0, thin, round(3 * DAY / thin))).state
    pace = state["log_interval"] - torch.tensor(times).log()
    return {**state, "age": state["age"] * times, "log_interval": pace}


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("cadence", [1.0, 60.0, 900.0, 3600.0])
def test_the_day_is_expected_after_three_of_them(tier: Tier, cadence: float) -> None:
    bank = Bank(tier, (1, round(DAY / 4 / cadence)))
    now, later = days(3 * DAY, cadence, COUNTED), days(3.25 * DAY, cadence, COUNTED)

    views = along(bank, now, memory_of_three_days(tier, cadence)).views

    said = torch.stack([(view.offsets * view.unit.unsqueeze(-1))[..., 1, :] for view in views])  # (T, B, C, E)
    errors = (said - (later.values - now.values).unsqueeze(-1)).abs().mean((0, 1, 2))  # (E,)
    of_day, of_last = (float(errors[bank.experts.index(name)]) for name in ("day", "last"))
    assert of_day < 0.5 * of_last
