"""The record of the experts: what a score is, and what it takes for an error to be believed."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import laplace, t
from torch import Tensor

from models.experts.bank import Bank, Tier
from models.experts.record import FREEDOM, laplace_crps, log_recent, spread_at, spread_of
from models.skill import crps
from models.training.forecasting import Batch
from tests.models.experts.banks import along
from tests.models.walks import phases


@pytest.mark.parametrize(("size", "spread"), [(0.0, 1.0), (0.3, 1.0), (2.0, 0.5), (40.0, 3.0)])
def test_the_score_is_the_crps_of_a_laplace_distribution(size: float, spread: float) -> None:
    def squared(x: float) -> float:
        return float((laplace.cdf(x, scale=spread) - (x >= size)) ** 2)

    by_definition = quad(squared, -80, size, limit=200)[0] + quad(squared, size, 80, limit=200)[0]

    assert float(laplace_crps(torch.tensor(size), torch.tensor(spread))) == pytest.approx(by_definition, abs=1e-5)


def test_it_says_nearly_what_that_of_students_t_says() -> None:
    errors = torch.from_numpy(t.rvs(FREEDOM, size=20_000, random_state=0))
    for spread in (0.5, 0.8, 1.0, 1.25, 2.0):
        of_t = crps(
            errors,
            torch.tensor(spread),
            torch.tensor(FREEDOM),
            torch.from_numpy(2 * t.sf(abs(errors) / spread, FREEDOM)),
        )

        of_laplace = laplace_crps(errors.abs(), torch.tensor(spread))

        assert float(of_laplace.mean() / of_t.mean()) == pytest.approx(1, abs=0.05), spread


def test_moves_that_keep_coming_are_learnt_where_a_series_stands_still_for_most_of_the_time() -> None:
    """A quarter of an hour every two hours at another level: the scale that is left between them is next to nothing."""
    values = 100.0 * (torch.arange(4_000) % 120 < 15).double()

    run = along(Bank(Tier.COMPACT, (1, 12)), steady(values))

    claimed = [float(view.log_errors[0, 0, 1, 0].exp() * view.unit[0, 0, 1]) for view in run.views[2_000:]]
    assert np.mean(claimed) == pytest.approx(float((values[12:] - values[:-12]).abs().mean()), rel=0.3)


def test_one_outlier_does_not_decide_for_long_whom_to_trust() -> None:
    values = torch.randn(340, generator=torch.Generator().manual_seed(0)).double()
    spoilt = values.clone()
    spoilt[300] = 1e9

    usual, after = (along(Bank(Tier.COMPACT, (1,)), steady(one)) for one in (values, spoilt))

    errors = after.state["errors"] / usual.state["errors"]
    assert (errors[0, 0, 0, [0, 2, 3]] < 1.7).all()  # exponential means and days are wrong for long, and it shows
    offset = after.views[-1].offsets - usual.views[-1].offsets
    assert offset[0, 0, 0, -1].abs() < 1


def test_the_further_the_horizon_the_larger_a_score_is_believed_but_no_error() -> None:
    noise = torch.randn(300, generator=torch.Generator().manual_seed(0)).double()
    run = along(Bank(Tier.COMPACT, (1, 16)), steady(noise))
    record, sight = run.bank.record, run.sights[-1]
    unit = sight.scale.unsqueeze(-1) * record.spreading
    error = torch.zeros(32, 1, 2, record.experts + 1)
    error[..., 0], error[..., 1] = 40 * unit, 60 * unit
    due = torch.ones(32, 1, 2, dtype=torch.bool)

    learnt = record.learn(error, torch.zeros(32, 1, 2), unit, due, sight, run.state)

    news = {name: (learnt[name] - run.state[name])[0, 0] for name in ("scores", "errors")}
    scores, errors = ((of[:, 1] / of[:, 0]).tolist() for of in news.values())  # of the next reading, and of a far one
    assert scores[0] == pytest.approx(1, abs=0.05)  # both are as large as is believed
    assert scores[1] > 1.3
    assert errors == pytest.approx([1, 1], abs=0.05)


@pytest.mark.parametrize("move", [1.0, 0.1])
def test_a_forecast_from_before_a_scale_was_known_is_not_scored(move: float) -> None:
    """The first one takes the first value for a scale, which is ten thousand moves and more."""
    moves = move * torch.randn(400, generator=torch.Generator().manual_seed(2)).double()

    run = along(Bank(Tier.COMPACT, (1, 24)), steady(1e4 + moves.cumsum(0)))

    of_last = run.views[-1].log_scores.exp()[0, 0, :, 0]
    assert of_last.tolist() == pytest.approx([0.56 * move, 0.56 * 24**0.5 * move], rel=0.25)  # CRPS of a normal move


def test_errors_of_late_are_told_in_usual_ones_and_soon_forgotten() -> None:
    noise = torch.randn(700, generator=torch.Generator().manual_seed(1)).double()
    loud = noise.clone()
    loud[500:530] *= 6

    run = along(Bank(Tier.COMPACT, (1, 12)), steady(loud))

    of_next = [float(view.log_recent[0, 0, 0]) for view in run.views]
    assert np.mean(of_next[300:500]) == pytest.approx(0, abs=0.25)
    assert np.mean(of_next[510:530]) > 0.7
    assert np.mean(of_next[560:600]) < 0.1
    farther = [float(view.log_recent[0, 0, 1]) for view in run.views]
    assert max(farther[480:500]) < 0.5 < max(farther[500:540])


def test_of_the_spread_of_a_moment_errors_of_late_have_a_small_part() -> None:
    usual, recent = torch.tensor([0.5, 0.5, 0.5]), torch.tensor([1.0, 4.0, 0.0])

    spread = spread_at(usual, log_recent(recent)) - spread_of(usual)

    torch.testing.assert_close(spread, 0.15 * torch.tensor([0.0, math.log(4), math.log(0.05)]))


def steady(values: Tensor) -> Batch:
    """One series of a reading a minute, in a tile of 32. values: (T,)."""
    length = len(values)
    seconds = torch.arange(length).double().unsqueeze(1).expand(length, 32) * 60
    elapsed = torch.full((length, 32), 60.0)
    elapsed[0] = torch.nan
    there = torch.ones(length, 32, 1, dtype=torch.bool)
    return Batch(values.view(-1, 1, 1).expand(length, 32, 1), there, there, elapsed, phases(seconds))
