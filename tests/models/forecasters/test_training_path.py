"""What is trained is what runs: a scan over what experts saw says what the detector says, reading by reading."""

import pytest
import torch

from models.column import fresh_state
from models.experts.bank import Bank, Tier
from models.forecasters import Spec, build
from models.forecasters.combiner import Combiner
from models.forecasters.network import Network, Sighted
from models.forecasters.recurrent import RecurrentForecaster
from models.heads import StudentT
from models.training.following import Following, follow
from models.training.forecasting import fresh_hidden, observe
from tests.models.walks import taken, walk

CHANNELS = 3


def drawn(cell: str, tier: str, joint: int | None) -> tuple[Combiner, Network]:
    """A combiner whose weights were drawn at random, those of the last layer too."""
    torch.manual_seed(4)
    combiner = build(Spec(cell, 8, "combiner", tier, joint)).at((1, 5))
    assert isinstance(combiner, Combiner)
    assert combiner.network is not None
    torch.nn.init.normal_(combiner.network.out.weight, std=0.3)
    return combiner.requires_grad_(False), combiner.network


@pytest.mark.parametrize(
    ("cell", "tier", "joint"), [("gru", "compact", None), ("lstm", "rich", None), ("lstm", "compact", CHANNELS)]
)
def test_a_scan_says_what_steps_say(cell: str, tier: str, joint: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.forecasters.panel.YOUNG", torch.inf)  # the panel is not trained through
    combiner, network = drawn(cell, tier, joint)
    batch = walk(80, channels=CHANNELS, flaws=0.1)

    seen = observe(combiner, batch)
    hidden, after = network.scan(seen.features, fresh_hidden(combiner, 32, CHANNELS), seen.steps, seen.is_seen)
    scanned = network.forecast(hidden, seen.sighted)

    said, state = taken(combiner, batch)
    spreading = combiner.bank.spreading
    in_units = StudentT(said.location / spreading, said.log_scale - spreading.log(), said.freedom)
    is_stepped = batch.present.any(-1)
    for ours, theirs in zip(scanned, in_units, strict=True):
        torch.testing.assert_close(ours[is_stepped], theirs[is_stepped], atol=1e-5, rtol=1e-5)
    for name in network.cell.state_shapes:
        torch.testing.assert_close(after[name], state[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_scan_of_a_cell_without_experts_says_what_steps_say(cell: str) -> None:
    torch.manual_seed(4)
    forecaster = build(Spec(cell, 8, "recurrent"))
    assert isinstance(forecaster, RecurrentForecaster)
    forecaster.requires_grad_(False)
    torch.nn.init.normal_(forecaster.get_parameter("cell.forgetting"))
    batch = walk(80, channels=CHANNELS, flaws=0.1)

    seen = follow(batch, Following(forecaster))
    fresh = fresh_state(forecaster.parts(CHANNELS)["cell"], 32)
    scanned, after = forecaster.scan(seen.features, fresh, seen.steps, seen.is_seen)

    said, state = taken(forecaster, batch)
    is_stepped = batch.present.any(-1)
    for ours, theirs in zip(scanned, said, strict=True):
        torch.testing.assert_close(ours[is_stepped], theirs.squeeze(-1)[is_stepped], atol=1e-5, rtol=1e-5)
    for name in forecaster.cell.state_shapes:
        torch.testing.assert_close(after[name], state[name], atol=1e-5, rtol=0)


def shown() -> Sighted:
    """Experts that all say the same, are as wrong, and are heard alike, so that only what is changed can be seen."""
    shape = (32, 1, 1, len(Bank(Tier.COMPACT, (1,)).experts))
    zeros = torch.zeros(shape)
    return Sighted(torch.ones(shape), zeros, torch.zeros(1), zeros, zeros[..., 0])


@pytest.mark.parametrize("what", Sighted._fields)
def test_the_head_sees_all_that_it_is_shown(what: str) -> None:
    _, network = drawn("gru", "compact", None)
    hidden, usual = torch.zeros(32, 1, 8), shown()
    change = torch.zeros_like(getattr(usual, what))
    change[..., 0] = 0.0 if what == "offsets" else -2.0
    change[..., -1] -= 1.0

    other = usual._replace(**{what: getattr(usual, what) + change})

    assert (network.forecast(hidden, other).freedom != network.forecast(hidden, usual).freedom).all()


def test_the_spread_of_a_network_follows_errors_of_late_as_the_experts_does() -> None:
    torch.manual_seed(4)
    network = Network("gru", 8, 5, 6)
    hidden, usual = torch.zeros(32, 1, 8), shown()

    wider = usual._replace(log_recent=usual.log_recent + 2)

    ours = network.forecast(hidden, wider).log_scale - network.forecast(hidden, usual).log_scale
    theirs = wider.together().log_scale - usual.together().log_scale
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(theirs, torch.full_like(theirs, 2 * 0.15))
