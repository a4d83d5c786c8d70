"""A channel that is missing for hours: nobody is called when it is back, and the others never notice."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings
from tests.streamer.plain_loop import scored

MINUTES = 900
GAP = slice(450, 750)
BACK = GAP.stop
KINDS = ("stays", "wanders", "swings")


class Told(NamedTuple):
    """What was said of one series, minute by minute."""

    value: np.ndarray  # (T, C)
    forecast: np.ndarray  # (T, C)
    lower: np.ndarray  # (T, C)
    upper: np.ndarray  # (T, C)
    anomaly_score: np.ndarray  # (T,)
    is_anomalous: np.ndarray  # (T,)


def channels(kind: str) -> np.ndarray:
    """Three channels, the one in the middle of this kind. -> (T, 3)."""
    rng = np.random.default_rng(1)
    minute = np.arange(MINUTES)
    swing = np.sin(2 * np.pi * minute / 240)
    noise = rng.normal(size=(MINUTES, 3))
    middle = {"stays": noise[:, 1], "wanders": np.cumsum(noise[:, 1]), "swings": 8 * swing + noise[:, 1] / 2}[kind]
    return np.stack([3 * swing + noise[:, 0] / 2, middle, np.cumsum(noise[:, 2])], axis=1) + 20


@cache
def told() -> dict[str, Told]:
    """Of a series of each kind, whole and with the gap."""
    every = {}
    for kind in KINDS:
        every[kind] = channels(kind)
        every[f"{kind}, holed"] = every[kind].copy()
        every[f"{kind}, holed"][GAP, 1] = np.nan
    values = np.stack([*every.values()], axis=1).reshape(-1, 3)
    seconds = np.repeat(np.arange(MINUTES) * 60.0, len(every)).tolist()
    columns = scored(Partition(judge(channels=3, line=1e-4), WHERE), [readings([*every] * MINUTES, seconds, values)])
    return {
        name: Told(*(columns[field][place :: len(every)] for field in Told._fields)) for place, name in enumerate(every)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_called_when_a_channel_is_back_after_hours(kind: str) -> None:
    holed = told()[f"{kind}, holed"]

    assert np.isnan(holed.value[GAP, 1]).all()
    assert np.isfinite(holed.value[BACK:, 1]).all()
    assert holed.anomaly_score[GAP.start :].max() < 1
    assert not holed.is_anomalous[GAP.start :].any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_band_of_a_channel_that_is_back_says_how_little_is_known_and_narrows_again(kind: str) -> None:
    whole, holed = (told()[name] for name in (kind, f"{kind}, holed"))

    width = (holed.upper - holed.lower)[:, 1] / (whole.upper - whole.lower)[:, 1]

    assert width[BACK] > 4
    assert 0.5 < np.median(width[-50:]) < 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_channels_are_judged_as_if_none_were_missing(kind: str) -> None:
    whole, holed = (told()[name] for name in (kind, f"{kind}, holed"))
    others = [0, 2]

    width = (whole.upper - whole.lower)[GAP.start :, others]
    for edge in ("lower", "forecast", "upper"):
        apart = np.abs(getattr(holed, edge) - getattr(whole, edge))[GAP.start :, others] / width
        assert np.median(apart) < 0.01
        assert apart.max() < 0.1
