"""Explanations: the reasons of an alarm in words that a person can act on."""

from dataclasses import replace

import numpy as np
import torch

from models.alarm import KINDS
from models.calibration.bets import BETS
from models.experts.bank import EXPERTS, RICH_EXPERTS
from models.reasons import NO_BET, Reasons
from streamer.explanation import SAID_OF_BETS, SAID_OF_EXPERTS, explanations
from tests.connectors.columns_samples import results_of

CHANNELS = ("temperature", "pressure")
NAMES = ("last", "day")


def reasons(kind: str, bet: str | None, shares: list[float], since: int = 1) -> Reasons:
    """Of one alarm, whose forecast trusted the pattern of the day at 80 %."""
    return Reasons(
        at=torch.tensor([0]),
        kind=torch.tensor([KINDS.index(kind)]),
        shares=torch.tensor([shares]),
        channel=torch.tensor([shares.index(max(shares))]),
        bet=torch.tensor([NO_BET if bet is None else BETS.index(bet)]),
        off_day=torch.tensor([-12.345]),
        since=torch.tensor([float(since)]),
        trust=torch.tensor([[0.2, 0.8]]),
        memory_seconds=torch.tensor([3600.0]),
    )


def text_of(why: Reasons) -> str:
    results = replace(results_of(["pump-7"], CHANNELS), value=np.array([[81.24, 4.0]]))
    [explained] = explanations(why, results, NAMES)
    return explained.text


def test_a_spike_says_what_came_what_was_expected_and_by_whom() -> None:
    text = text_of(reasons("spike", None, [0.95, 0.05]))

    assert text == "temperature 81.24, expected 19.85 (18.35 to 21.35) by the pattern of the day (80%)"


def test_channels_that_share_the_blame_are_named_with_their_shares() -> None:
    text = text_of(reasons("spike", None, [0.25, 0.75]))

    assert text == (
        "pressure 4, expected 119.85 (118.35 to 121.35) by the pattern of the day (80%); 75% of the spike. "
        "temperature 81.24, expected 19.85 (18.35 to 21.35); 25% of the spike"
    )


def test_a_change_says_what_changed_and_since_when() -> None:
    text = text_of(reasons("change", "stuck", [1.0, 0.0], since=40))

    assert text.startswith("temperature stands still, for the last 40 readings: temperature 81.24, expected 19.85")


def test_an_hour_that_is_off_says_by_how_much() -> None:
    text = text_of(reasons("change", "below_day", [1.0, 0.0], since=24))

    assert text.startswith("temperature is 12.3 below the pattern of its days, for the last 24 readings: temperature")


def test_memory_that_does_not_fade_has_no_half_life() -> None:
    why = reasons("spike", None, [1.0, 0.0])
    results = results_of(["pump-7"], CHANNELS)

    [fading] = explanations(why, results, NAMES)
    [lasting] = explanations(why._replace(memory_seconds=torch.tensor([torch.inf])), results, NAMES)

    assert fading.memory_seconds == 3600
    assert lasting.memory_seconds is None


def test_every_bet_and_every_expert_has_words() -> None:
    assert SAID_OF_BETS.keys() == set(BETS)
    assert SAID_OF_EXPERTS.keys() == {*EXPERTS, *RICH_EXPERTS}
