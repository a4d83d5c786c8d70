"""An hour is judged by how far it is from the pattern of the day, beside what the hour before let expect."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from models import hours
from models.column import State, fresh_state
from models.hours import CLIP, FREEDOM, KNOWN, Hour

QUARTER = torch.tensor([900.0])
ONE = torch.ones(1, 1)


def followed(distances: list[float], away: float = 1.0) -> tuple[list[Hour], State]:
    """What comes of distances from the pattern of the day, one a quarter of an hour, from midnight on."""
    state: State = fresh_state(hours.columns(1), 1)
    said = []
    for quarter, distance in enumerate(distances):
        has_turned = torch.tensor([quarter % 4 == 0])
        hour, state = hours.learn(ONE * distance, ONE * away, ONE.bool(), has_turned, QUARTER, state)
        said.append(hour)
    return said, state


def plainly(distances: list[float]) -> list[float]:
    """The innovation of each hour in deviations, in plain words; nothing for the first three days. -> one an hour."""
    mean, before, power, product, told = 0.0, 0.0, 0.0, 0.0, []
    for quarter, distance in enumerate(distances):
        if quarter % 4 == 0:
            hour = quarter // 4
            alike = min(max(product / power, 0.0), 0.98) if power else 0.0
            deviation = math.sqrt(power * max(1 - alike**2, 0.04))
            told.append((mean - alike * before) / deviation if hour >= KNOWN else 0.0)
            if hour >= 24:
                limit = CLIP * math.sqrt(power) if hour >= KNOWN else math.inf
                now, then = (min(max(one, -limit), limit) for one in (mean, before))
                rate = max(1 / (hour - 23), 1 / 512)
                power += rate * (then * then - power)
                product += rate * (now * then - product)
            before = mean
        mean += (distance - mean) / 4
    return told


def wandering(count: int, stays: float = 0.97) -> list[float]:
    """Distances that stay where they are for hours."""
    rng, values = np.random.default_rng(0), [0.0]
    for step in rng.standard_t(4, size=count - 1):
        values.append(stays * values[-1] + float(step))
    return values


def with_an_incident(count: int) -> list[float]:
    """Distances that are far off for three hours of the sixth day."""
    return [one - 300.0 * (500 <= place < 512) for place, one in enumerate(wandering(count))]


@pytest.mark.parametrize(
    "distances",
    [wandering(20 * 96), wandering(20 * 96, stays=1.0), with_an_incident(20 * 96)],
    ids=["usual", "a walk", "an incident"],
)
def test_the_score_of_each_hour_is_that_of_the_plain_loop(distances: list[float]) -> None:
    said, _ = followed(distances)

    expected = plainly(distances)
    told = [float(hour.score) for hour in said[::4]]
    normal = [float(hours.normal_score(torch.tensor(z))) for z in expected]
    np.testing.assert_allclose(told, normal, atol=2e-3)
    assert [bool(hour.is_over) for hour in said] == [place % 4 == 0 and place // 4 >= KNOWN for place in range(1920)]


def test_the_score_is_about_the_normal_quantile_of_the_same_probability() -> None:
    z = np.linspace(-12, 12, 97)

    ours = hours.normal_score(torch.from_numpy(z)).numpy()

    np.testing.assert_allclose(ours, stats.norm.ppf(stats.t.cdf(z, FREEDOM)), atol=0.05)


def test_an_hour_that_is_off_stands_out_and_one_that_stays_off_as_the_last_did_does_not() -> None:
    usual = wandering(20 * 96)
    off = [*usual, *(usual[-1] - 40.0 for _ in range(8))]

    first, second = (float(hour.score) for hour in followed([*off, 0.0])[0][-5::4])

    assert first < -4
    assert first < second - 1


def test_a_channel_that_was_away_says_nothing_of_the_hour() -> None:
    said, state = followed(wandering(8 * 96), away=5.0)

    assert not any(bool(hour.is_over) for hour in said)
    assert float(state["hours"]) == 0


def test_whatever_comes_nothing_is_infinite() -> None:
    tiny = [1e-20 * distance for distance in wandering(900)]
    for distances in ([0.0] * 960, [1e30, -1e30] * 480, [1e-30] * 960, [*tiny, *[1e30] * 60]):
        said, state = followed(distances)

        assert all(bool(hour.score.isfinite()) for hour in said)
        assert all(bool(column.isfinite().all()) for column in state.values())
