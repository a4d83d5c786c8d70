"""Which changes a verdict tells of that no record of a series tells."""

import pytest
import torch

from models.alarm import KINDS, AlarmChange
from models.calibration.bets import BETS, Change
from models.calibration.pool import Sample
from models.calibration.verdict import Verdict

NOTHING = torch.zeros(1, 2)


def called(bet: str, opened: str | None, other: str = "up") -> bool:
    """Of a reading of two channels: the first has most at stake, and by this bet; which alarm opened."""
    change = Change(
        statistic=torch.ones(1),
        asked=torch.ones(1),
        decades=torch.tensor([[4.0, 3.0]]),
        leading=torch.tensor([[BETS.index(bet), BETS.index(other)]]),
        since=NOTHING,
    )
    is_open = torch.tensor([[kind == opened for kind in KINDS]])
    alarm = AlarmChange(is_open, ~is_open, is_open, NOTHING, NOTHING.unsqueeze(-1))
    sample = Sample(*[NOTHING] * len(Sample._fields))
    return bool(Verdict(NOTHING, NOTHING, torch.ones(1), NOTHING, change, alarm, sample).is_restless())


@pytest.mark.parametrize("bet", BETS)
def test_unrest_and_hours_off_the_pattern_are_told_where_their_alarm_opens_and_no_other_change_is(bet: str) -> None:
    assert called(bet, "change") == (bet in {"wider", "above_day", "below_day"})


def test_the_bet_is_that_of_the_channel_with_most_at_stake() -> None:
    assert not called("up", "change", other="wider")
    assert called("wider", "change", other="up")


@pytest.mark.parametrize("opened", ["spike", None])
def test_without_an_alarm_on_a_change_nothing_is_told(opened: str | None) -> None:
    assert not called("wider", opened)
