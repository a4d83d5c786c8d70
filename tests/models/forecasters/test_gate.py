"""The gate: a network that knows nothing costs a series little, and one that knows more is listened to."""

import numpy as np
import torch
from torch import Tensor

from models.artifact import load, shipped
from models.experts.bank import Bank, Tier, Views
from models.forecasters.combiner import Combiner, gated
from models.heads import StudentT
from models.training.forecasting import Batch, observe
from models.training.streams import draw
from tests.models.walks import taken

OLD = 200  # readings after which both are known


def mean_error(location: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """(T, B, C, K) each -> (B, K), of the readings that count."""
    counts = (weight > 0).float()
    counts[:OLD] = 0
    error = ((location - target).abs().clamp_max(20) * counts).sum((0, 2))
    return error / counts.sum((0, 2)).clamp_min(1)


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

    ours = mean_error(said.location / combiner.bank.spreading, seen.target, seen.weight)
    experts = [mean_error(seen.offsets[..., e], seen.target, seen.weight) for e in range(seen.offsets.shape[-1])]
    together, best = experts[-1].clamp_min(1e-3), torch.stack(experts).amin(0).clamp_min(1e-3)
    assert (ours / together < 1.1).all()  # the rest is what the experts together lose to the best of them
    assert ((ours / best < 1.1).float().mean(0) > torch.tensor([0.9, 0.8])).all()


def views_of(own: float, best: float, experience: float) -> Views:
    """What a bank says where its user was wrong by this much, and the best of its experts by that much."""
    one = torch.ones(1, 1, 1)
    errors = torch.full((1, 1, 1, len(Bank(Tier.COMPACT, (1,)).experts)), best).log()
    return Views(errors * 0, errors, one * torch.tensor(own).log(), one * experience, errors, one)


def trusted(views: Views) -> float:
    """How much of a network's forecast is left beside the experts', 0 to 1."""
    one = torch.ones(1, 1, 1)
    return float(gated(StudentT(one, one, one), StudentT(one * 0, one, one), views).location)


def test_a_network_that_is_better_is_listened_to() -> None:
    assert trusted(views_of(own=0.7, best=1.0, experience=100)) > 0.95
    assert trusted(views_of(own=1.2, best=1.0, experience=100)) < 0.05


def test_a_young_series_leaves_it_to_the_network() -> None:
    assert trusted(views_of(own=3.0, best=1.0, experience=10)) == 1
