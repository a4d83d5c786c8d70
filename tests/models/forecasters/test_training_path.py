"""What is trained is what runs: a scan over what experts saw says what the detector says, reading by reading."""

import pytest
import torch

from models.forecasters import Spec, build
from models.forecasters.combiner import Combiner
from models.forecasters.network import Network
from models.heads import StudentT
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
