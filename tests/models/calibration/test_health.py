"""Health: what people are told of a pool is what it did."""

import pytest
import torch

from models.calibration.budget import Budget
from models.calibration.epochs import close_epoch
from models.calibration.health import Health, health
from models.calibration.pool import Pool, Sample, fold

READINGS, ALARMS = 4096, 4


def told(correlation: float, scale: float = 1.0) -> Health:
    """Of a pool after an epoch of normal scores, in which the first readings opened an alarm of each kind."""
    draw = torch.Generator().manual_seed(0)
    before, own = torch.randn(2, READINGS, 1, generator=draw).unbind()
    score = correlation * before + (1 - correlation**2) ** 0.5 * own
    signed = -torch.log10(torch.special.erfc(score.abs() / 2**0.5)) * score.sign() * scale
    every, opened = torch.ones(READINGS, 1, dtype=torch.bool), torch.zeros(READINGS, 2, dtype=torch.bool)
    opened[:ALARMS] = True
    climb = torch.zeros(READINGS, 2, 2)
    pool = fold(Pool.fresh(Budget()), Sample(signed, every, score, before, every[:, 0], climb, opened, opened))
    return health(pool, close_epoch(pool, 3_600_000))


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_echo_is_the_correlation_of_two_in_a_row(correlation: float) -> None:
    assert told(correlation).echo == pytest.approx(correlation, abs=0.05)


def test_the_distance_tells_an_epoch_that_is_unlike_the_pool() -> None:
    assert told(0.0).distance < 0.03
    assert told(0.0, scale=2.0).distance > 0.1


def test_the_rates_are_those_of_the_budget_and_of_the_alarms() -> None:
    said = told(0.0)

    assert said.wanted == pytest.approx([0.5e-4, 0.5e-4])
    assert said.opened == pytest.approx([ALARMS / (READINGS + 1024)] * 2, rel=0.01)
    assert said.is_extrapolated == [True, True]
