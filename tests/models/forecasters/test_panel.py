"""The panel: a network that knows nothing costs a series little, and one that knows more is listened to."""

import numpy as np
import pytest
import torch
from scipy.stats import t
from torch import Tensor

from models import scaler
from models.artifact import load, shipped
from models.experts.bank import Bank, Tier, Views
from models.experts.record import FREEDOM, spread_of
from models.forecasters import Spec, build
from models.forecasters.combiner import Combiner
from models.forecasters.panel import heard, log_shares, mixed
from models.heads import StudentT
from models.skill import crps
from models.training.forecasting import Batch, Observed, observe
from models.training.streams import draw
from tests.models.walks import taken, walk

OLD = 200  # readings after which both are known


def mean_score(forecast: StudentT, seen: Observed) -> Tensor:
    """The CRPS in units, of the readings that count. (T, B, 1, K) each -> (B, K)."""
    counts = (seen.weight > 0).double()
    counts[:OLD] = 0
    location, log_scale, freedom = (part.double() for part in forecast)
    error, spread = seen.target - location, log_scale.exp()
    p = torch.from_numpy(2 * t.sf((error / spread).abs().numpy(), freedom.numpy()))
    return (crps(error, spread, freedom, p) * counts).sum((0, 2)) / counts.sum((0, 2)).clamp_min(1)


def test_spoilt_weights_cost_little_beside_the_best_expert() -> None:
    combiner = load(shipped("gru")).forecaster.at((1, 12))
    assert isinstance(combiner, Combiner)
    assert combiner.network is not None
    torch.manual_seed(0)
    for weights in combiner.network.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    batch = Batch.of(draw(np.random.default_rng(11), 400, 64))

    seen = observe(combiner, batch)
    said, _ = taken(combiner, batch)

    bank = combiner.bank
    ours = mean_score(StudentT(said.location / bank.spreading, said.log_scale - bank.log_spreading, said.freedom), seen)
    spreads, freedom = spread_of(seen.log_errors), torch.full_like(seen.target, FREEDOM)
    each = [mean_score(StudentT(seen.offsets[..., e], spreads[..., e], freedom), seen) for e in range(EXPERTS)]
    loss = ours / torch.stack(each).amin(0)
    assert ((loss < 1.1).float().mean(0) > torch.tensor([0.95, 0.8])).all()


EXPERTS = len(Bank(Tier.COMPACT, (1,)).experts)


def views_of(own: float, best: float, experience: float, together: float = 1.0) -> Views:
    """What a bank says where the scores of its user, of its first expert and of all together were these."""
    one = torch.ones(1, 1, 1)
    scores = torch.tensor([best, *[1.0] * (EXPERTS - 2), together, own]).log().expand(1, 1, 1, -1)
    zeros = torch.zeros(1, 1, 1, EXPERTS)
    return Views(zeros, zeros, scores, one * 0, one * experience, zeros, one)


def trusted(views: Views) -> float:
    """How much of a network's forecast is left beside the experts', 0 to 1."""
    one = torch.ones(1, 1, 1)
    return float(mixed(StudentT(one, one, one), views).location)


def test_a_network_that_is_better_is_listened_to() -> None:
    assert trusted(views_of(own=0.9, best=1.0, experience=100)) > 0.99
    assert trusted(views_of(own=1.1, best=1.0, experience=100)) < 0.01


def test_one_expert_is_heard_where_it_is_better_than_all_together_and_the_network() -> None:
    share = heard(views_of(own=1.0, best=0.85, experience=100))[0, 0, 0]

    assert share[0] > 0.99
    assert float(share.sum()) == pytest.approx(1)


def test_at_equal_scores_the_network_has_most_to_say_and_all_together_more_than_one() -> None:
    share = heard(views_of(own=1.0, best=1.0, experience=100))[0, 0, 0]

    assert share[-1] > share[-2] > share[0] == share[1]


def test_a_young_series_leaves_it_to_the_network() -> None:
    assert trusted(views_of(own=3.0, best=1.0, experience=10)) == 1


@pytest.mark.parametrize(("experience", "an_expert"), [(100.0, 0.1), (10.0, 0.0)])
def test_without_a_network_all_together_count_as_ten_and_alone_in_a_young_series(
    experience: float, an_expert: float
) -> None:
    *each, together = torch.exp(log_shares(views_of(own=0.5, best=1.0, experience=experience)))[0, 0, 0].tolist()

    assert each == pytest.approx([an_expert] * (EXPERTS - 1), abs=1e-3)
    assert together == 1


def test_what_the_experts_say_alone_is_what_the_forecaster_without_a_network_says() -> None:
    batch = Batch.of(draw(np.random.default_rng(3), 150, 32))
    combiner = Combiner(Bank(Tier.COMPACT, (1, 12)), None)

    seen = observe(combiner, batch)
    said, _ = taken(combiner, batch)

    location, log_scale, freedom = seen.sighted.together()
    spreading = combiner.bank.spreading
    is_stepped = batch.present.any(-1)
    torch.testing.assert_close(location[is_stepped], (said.location / spreading)[is_stepped], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(log_scale[is_stepped], (said.log_scale - spreading.log())[is_stepped], atol=1e-5, rtol=0)
    assert (freedom == FREEDOM).all()


def test_a_network_that_has_learnt_nothing_says_about_what_the_experts_say() -> None:
    torch.manual_seed(0)
    combiner = build(Spec("gru", 8, "combiner")).at((1, 12))
    assert isinstance(combiner, Combiner)
    network = combiner.requires_grad_(False).network
    assert network is not None
    seen = observe(combiner, Batch.of(draw(np.random.default_rng(3), 400, 32)))
    hidden = torch.zeros(*seen.features.shape[:3], 8)

    ours = mean_score(network.forecast(hidden, seen.sighted), seen)
    theirs = mean_score(seen.sighted.together(), seen)

    known = theirs > 0
    assert float((ours[known] / theirs[known]).log().mean().exp()) == pytest.approx(1, abs=0.02)


def test_a_reading_is_judged_by_what_errors_usually_are_once_that_is_known() -> None:
    combiner = load(shipped("gru")).forecaster
    _, state = taken(combiner, walk(60, seed=2))
    forecast, scale = combiner.forecast(state), scaler.floored_scale(state)
    unsettled = forecast._replace(log_scale=forecast.log_scale + 3)

    young = combiner.calm(unsettled, scale, {**state, "age": torch.full_like(state["age"], 20)})
    old = combiner.calm(unsettled, scale, state)
    settled = combiner.calm(forecast, scale, state)

    assert torch.equal(young.log_scale, unsettled.log_scale)
    assert torch.equal(old.location, forecast.location)
    torch.testing.assert_close(old.log_scale - settled.log_scale, torch.full((32, 1), 3 * 0.4))


def test_what_is_usual_counts_for_three_parts_in_five() -> None:
    combiner = load(shipped("gru")).forecaster
    _, state = taken(combiner, walk(60, seed=2))

    doubled, scale = {**state, "errors": state["errors"] * 2}, scaler.floored_scale(state)

    before, after = (combiner.calm(combiner.forecast(state), scale, one).log_scale for one in (state, doubled))
    torch.testing.assert_close(after - before, torch.full((32, 1), 0.6 * float(torch.tensor(2.0).log())))
