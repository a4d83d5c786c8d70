"""Reasons of alarms: the channel, the bet and the expert that made one, worked out where it opens alone."""

import math

import torch
from torch import Tensor

from models.alarm import KINDS
from models.artifact import load, shipped
from models.calibration.bets import BETS
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.cells import CELLS
from models.column import State, fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.experts.bank import shares_by_errors
from models.forecasters import Spec, build
from models.outcome import Outcome
from models.reasons import NO_BET, Reasons, reasons
from models.transform import Transform

ROWS = 32
CADENCE_SECONDS = 60.0


def detector_of(name: str, cell: str, channels: int) -> Detector:
    forecaster = load(shipped(cell, name)).forecaster
    return Detector(forecaster, DetectorOptions((Transform.NONE,) * channels))


def lived(detector: Detector, values: Tensor) -> tuple[list[Reasons], Outcome, State]:
    """The reasons of all alarms of 32 equal series, the last outcome, and the state before it. values: (T, C)."""
    state, pool = fresh_state(detector.columns, ROWS), Pool.fresh(Budget())
    context = Context.of(torch.full((ROWS,), CADENCE_SECONDS), torch.zeros(ROWS, 2))
    every = torch.ones(ROWS, values.shape[1], dtype=torch.bool)
    came = []
    with torch.inference_mode():
        for now in values.double():
            before = state
            outcome, state = detector.step(now.expand(ROWS, -1).contiguous(), every, context, before, pool)
            if outcome.opened.any():
                came.append(reasons(outcome, before, detector.forecaster))
    return came, outcome, before


def noise(steps: int, channels: int) -> Tensor:
    return torch.randn(steps, channels, generator=torch.Generator().manual_seed(5)) + 20


def test_a_spike_is_explained_by_its_channel_and_by_no_bet() -> None:
    values = noise(100, 3)
    values[-1, 2] += 30

    [*_, why], outcome, _ = lived(detector_of("experts", "", 3), values)

    spikes = why.kind == KINDS.index("spike")
    assert spikes.sum() == ROWS
    assert (why.channel[spikes] == 2).all()
    assert (why.bet[spikes] == NO_BET).all()
    assert (why.since[spikes] == 1).all()
    torch.testing.assert_close(why.shares.sum(1), torch.ones(len(why.at)))
    assert (why.shares[spikes, 2] > 0.8).all()
    assert outcome.opened[:, 0].all()


def test_a_channel_that_stands_still_is_named_with_the_bet_on_it_and_since_when() -> None:
    values = noise(860, 2)
    values[800:, 1] = values[799, 1]

    [*_, why], _, _ = lived(detector_of("experts", "", 2), values)

    assert (why.kind == KINDS.index("change")).all()
    assert (why.channel == 1).all()
    assert {BETS[bet] for bet in why.bet.tolist()} == {"stuck"}
    assert (why.since > 1).all()
    assert (why.since <= 60).all()


def test_the_expert_that_was_trusted_is_the_one_that_is_right() -> None:
    alternating = 50 + 10 * (-1.0) ** torch.arange(120) + noise(120, 1).squeeze() * 0.1
    alternating[-1] += 60

    [*_, why], _, before = lived(detector_of("experts", "", 1), alternating.unsqueeze(1))

    trust = dict(zip(detector_of("experts", "", 1).forecaster.experts, why.trust[0].tolist(), strict=True))
    assert math.isclose(sum(trust.values()), 1, abs_tol=1e-5)
    assert trust["last"] < 0.05 < max(trust["direct"], trust["yule_walker"])
    assert why.memory_seconds.isinf().all()  # there is no network that could forget
    assert before["age"][0, 0] == 119


def test_the_trust_in_experts_is_that_of_the_forecast_under_a_network_too() -> None:
    detector = detector_of("combiner", "gru", 1)
    walk = noise(80, 1).sub(20).cumsum(0) + 100

    _, _, before = lived(detector, walk)

    with torch.inference_mode():
        trust = detector.forecaster.trust(before)
        views = detector.forecaster.bank.remembered(before)  # type: ignore[union-attr, operator]
    location = detector.forecaster.forecast(before).location
    alone = shares_by_errors(views.log_errors[:, :, 0, :-1])
    by_experts = (trust * views.offsets[:, :, 0, :-1]).sum(-1)
    torch.testing.assert_close(trust.sum(-1), torch.ones(ROWS, 1))
    assert (trust - alone).abs().max() > 0.01  # the network weighs them otherwise than their errors do
    assert (location - by_experts).abs().max() < 0.2  # but for what the network adds, in units of the scale


def test_memory_halves_after_the_half_life_of_a_cell() -> None:
    for name, make in CELLS.items():
        cell = make(4, 8)

        half_life = cell.half_life_steps()

        some = {part: torch.ones(2, *shape) for part, shape in cell.state_shapes.items()}
        rested = cell.rest(some, torch.tensor([half_life, half_life / 2**0.125]).clamp_max(1e6))
        size = torch.cat([part.flatten(1) for part in rested.values()], 1).square().mean(1).sqrt()
        assert math.isinf(half_life) == (name == "attention")  # which keeps what it keeps until it is overwritten
        assert name == "attention" or size[0] <= 0.5 < size[1] or half_life == 1


def test_a_forecaster_without_experts_trusts_none() -> None:
    forecaster = build(Spec("gru", 8))

    trust = forecaster.trust({"age": torch.zeros(ROWS, 2)})

    assert trust.shape == (ROWS, 2, 0)
    assert math.isfinite(forecaster.half_life_steps())
