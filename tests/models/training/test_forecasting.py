"""What a network is taught: how much of the score of the experts alone it leaves, on every series alike."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import t
from torch import Tensor

from models.forecasters import Spec, build
from models.forecasters.combiner import Combiner
from models.heads import StudentT
from models.training import forecasting
from models.training.forecasting import Batch, Observed, observe, readings_loss
from models.training.streams import draw

STEPS = 300


@pytest.fixture(scope="module")
def seen() -> Observed:
    """Some series of every kind, as the experts see them."""
    combiner = build(Spec("", 0, "experts")).at((1, 12))
    assert isinstance(combiner, Combiner)
    return observe(combiner, Batch.of(draw(np.random.default_rng(21), STEPS, 64)))


def mean_loss(forecast: StudentT, seen: Observed) -> Tensor:
    """Of every series and horizon, NaN where there is nothing to learn. -> (B, K)."""
    loss = (readings_loss(forecast, seen) * seen.weight).sum((0, 2))
    return loss / seen.weight.sum((0, 2))


@pytest.fixture
def scores_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for weight in ("NLL_WEIGHT", "FURTHER_NLL_WEIGHT"):
        monkeypatch.setattr(forecasting, weight, 0.0)


@pytest.mark.usefixtures("scores_alone")
def test_what_the_experts_say_alone_costs_the_same_on_every_series(seen: Observed) -> None:
    loss = mean_loss(seen.sighted.together(), seen)

    known = loss[loss.isfinite()]
    assert len(known) > 100
    assert known.max() <= forecasting.SCORE_WEIGHT * 1.001
    assert (
        float((known > forecasting.SCORE_WEIGHT * 0.98).float().mean()) > 0.8
    )  # but who is never wrong, or once by far


@pytest.mark.usefixtures("scores_alone")
def test_it_is_the_crps_over_that_of_the_experts(seen: Observed) -> None:
    freedom = seen.sighted.together().freedom
    step, row = next(
        (t, b)
        for t, b in ((seen.weight[..., 0, 0] > 0) & (seen.widening > 1.2)).nonzero().tolist()
        if t > STEPS // 2 and float(seen.theirs[0, b, 0, 0]) > 0.1
    )
    place = (step, row, 0, 0)
    target, other = float(seen.target[place]), StudentT(seen.target * 0 + 0.3, seen.target * 0 + 0.2, freedom)

    loss = float(readings_loss(other, seen)[place])

    spread = float(np.exp(0.2)) * float(seen.widening[step, row])  # over the gap before it
    ours = t(float(freedom[place]), 0.3, spread)
    edge = max(abs(target), 60 * spread)
    below = quad(lambda x: ours.cdf(x) ** 2, -edge, target, limit=400)[0]
    above = quad(lambda x: ours.sf(x) ** 2, target, edge, limit=400)[0]
    expected = forecasting.SCORE_WEIGHT * (below + above) / float(seen.theirs[place])
    assert loss == pytest.approx(min(expected, forecasting.SCORE_WEIGHT * forecasting.MAX_SCORE), rel=1e-3)


@pytest.mark.usefixtures("scores_alone")
def test_who_is_surer_or_less_sure_than_the_experts_is_taught_better(seen: Observed) -> None:
    together = seen.sighted.together()
    usual = mean_loss(together, seen)

    for off in (-1.5, 1.5):
        other = mean_loss(together._replace(log_scale=together.log_scale + off), seen)
        assert float((other > usual)[usual.isfinite()].float().mean()) > 0.85


def test_beyond_the_next_reading_the_likelihood_counts_a_tenth(seen: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasting, "SCORE_WEIGHT", 0.0)
    together = seen.sighted.together()
    wider = readings_loss(together._replace(log_scale=together.log_scale + 20), seen)

    grown = wider - readings_loss(together._replace(log_scale=together.log_scale + 19), seen)

    capped = wider >= forecasting.MAX_NLL * torch.tensor([1.0, 0.1])
    for horizon, weight in ((0, 1.0), (1, 0.1)):
        free = ~capped[..., horizon] & (seen.weight[..., horizon] > 0)
        assert float(grown[..., horizon][free].median()) == pytest.approx(weight, rel=0.02)
