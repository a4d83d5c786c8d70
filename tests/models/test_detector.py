"""The detector's verdict over several channels."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from models import scaler
from models.alarm import KINDS
from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State, fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.novelty import Glance, Noticed, Novelty
from models.outcome import Outcome
from models.training.forecasting import Batch
from models.transform import Transform
from tests.models.walks import detector_of, walk

ROWS = 32
SPIKE, CHANGE = map(KINDS.index, ("spike", "change"))

CONTEXT = Context.of(torch.ones(ROWS), torch.zeros(ROWS, 2))


def verdict(channels: int, spiked: list[int], tolerance: torch.Tensor | None = None) -> tuple[Outcome, Detector]:
    """The outcome of a spike in these channels, after fifty calm readings; its lines may be raised. (ROWS, K)."""
    detector = Detector(load(shipped("gru")).forecaster, DetectorOptions(transforms=(Transform.NONE,) * channels))
    state = fresh_state(detector.columns, ROWS)
    pool = Pool.fresh(Budget())
    calm = torch.randn(50, ROWS, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 20
    spike = calm[-1].expand(ROWS, channels).clone()
    spike[:, spiked] += 25
    with torch.inference_mode():
        for values in [*calm.expand(50, ROWS, channels), spike]:
            present = torch.ones(ROWS, channels, dtype=torch.bool)
            context = CONTEXT._replace(tolerance=tolerance) if values is spike else CONTEXT
            outcome, state = detector.step(values.contiguous(), present, context, state, pool)
    return outcome, detector


def test_the_joint_verdict_is_the_most_surprising_channel_times_their_number() -> None:
    outcome, _ = verdict(4, spiked=[2])

    expected = outcome.surprise.amax(1) - math.log10(4)
    torch.testing.assert_close(outcome.joint_surprise, expected)
    torch.testing.assert_close(outcome.ratios[:, 0], expected / Pool.fresh(Budget()).lines[0, 0])
    torch.testing.assert_close(outcome.anomaly_score, outcome.ratios.amax(1))


def outcomes(detector: Detector, batch: Batch) -> Outcome:
    """Everything that is said along a walk, (T, B, ...) each."""
    state, pool, said = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), []
    with torch.inference_mode():
        for reading in batch.readings():
            outcome, state = detector.step(*reading, state, pool)
            said.append(outcome)
    return Outcome(*(torch.stack(column) for column in zip(*said, strict=True)))


@pytest.mark.parametrize("channels", [1, 3, 38])
@pytest.mark.parametrize("tier", ["compact", "rich"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_one_artifact_serves_any_number_of_channels_in_any_order(cell: str, tier: str, channels: int) -> None:
    detector = detector_of(load(shipped(cell, tier=tier)).forecaster, channels)
    batch, order = (
        walk(40, channels=channels, flaws=0.1),
        torch.randperm(channels, generator=torch.Generator().manual_seed(0)),
    )
    turned = {name: getattr(batch, name)[..., order] for name in ("values", "present", "scored")}

    said = outcomes(detector, batch)
    permuted = outcomes(detector, replace(batch, **turned))

    assert said.is_judged[5:].float().mean() > 0.8
    for name, ours, theirs in zip(Outcome._fields, permuted, said, strict=True):
        expected = theirs[:, :, order] if theirs.shape[2:] == (channels,) else theirs
        torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-3, equal_nan=True, msg=name)


def test_a_line_is_raised_for_its_row_and_kind_alone_and_the_pool_hears_the_same() -> None:
    plain, _ = verdict(1, spiked=[0])
    tolerance = torch.ones(ROWS, len(KINDS))
    tolerance[0, SPIKE], tolerance[1, SPIKE], tolerance[2, CHANGE] = plain.ratios[0, SPIKE] * 1.001, 1.5, 2.0

    raised, _ = verdict(1, spiked=[0], tolerance=tolerance)

    torch.testing.assert_close(raised.ratios, plain.ratios / tolerance)
    assert not raised.opened[0, SPIKE]
    assert torch.equal(raised.opened, raised.ratios > 1)
    assert torch.equal(raised.anomaly_score, raised.ratios.amax(1))
    assert all(torch.equal(getattr(raised, name), getattr(plain, name)) for name in ("signed", "score", "climb"))


@pytest.mark.parametrize("spiked", [0, 1, 3])
def test_the_channel_that_moved_has_the_largest_share(spiked: int) -> None:
    outcome, detector = verdict(4, spiked=[spiked])

    explanation = detector.explain(outcome)

    assert explanation.shares.argmax(1).eq(spiked).all()
    torch.testing.assert_close(explanation.shares.sum(1), torch.ones(ROWS))


def test_the_spike_is_outside_its_band_and_the_others_are_inside() -> None:
    outcome, detector = verdict(3, spiked=[0])

    band = detector.explain(outcome)

    assert (outcome.value[:, 0] > band.upper[:, 0]).all()
    assert ((outcome.value >= band.lower) & (outcome.value <= band.upper))[:, 1:].all()


def test_the_band_of_a_further_horizon_is_the_middle_of_its_distribution() -> None:
    forecaster = load(shipped("", "experts")).forecaster.at((1, 3, 24))
    options = DetectorOptions(transforms=(Transform.NONE,) * 2, band_coverage=0.9)
    detector, pool = Detector(forecaster, options), Pool.fresh(Budget())
    state = fresh_state(detector.columns, ROWS)
    unknown = detector.ahead(state)
    values = torch.randn(60, ROWS, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).cumsum(0)
    with torch.inference_mode():
        for now in values:
            everything = torch.ones(ROWS, 2, dtype=torch.bool)
            _, state = detector.step(now, everything, CONTEXT, state, pool)

    ahead = detector.ahead(state)

    assert all(column.isnan().all() for column in unknown)
    location, log_scale, freedom = (part[..., 1:].double().numpy() for part in forecaster.ahead(state))
    scale = scaler.floored_scale(state).unsqueeze(-1).double().numpy()
    middle, widening = values[-1].unsqueeze(-1).numpy() + location * scale, state["ahead_band"].exp().numpy()
    for edge, column in ((0.05, ahead.lower), (0.5, ahead.forecast), (0.95, ahead.upper)):
        quantile = stats.t.ppf(edge, freedom, loc=middle, scale=np.exp(log_scale) * scale * widening)
        np.testing.assert_allclose(column.numpy(), quantile, rtol=1e-3, atol=1e-4)
    assert (ahead.upper - ahead.lower)[..., 1].mean() > (ahead.upper - ahead.lower)[..., 0].mean()


def test_novelty_is_told_how_many_channels_are_analog_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    lively: list[torch.Tensor] = []
    step = Novelty.step

    def listening(novelty: Novelty, glance: Glance, state: State) -> tuple[Noticed, dict[str, torch.Tensor]]:
        lively.append(glance.lively)
        return step(novelty, glance, state)

    monkeypatch.setattr(Novelty, "step", listening)
    detector = Detector(load(shipped("gru")).forecaster, DetectorOptions(transforms=(Transform.NONE,) * 4))
    state, pool = fresh_state(detector.columns, ROWS), Pool.fresh(Budget())
    noise = torch.randn(50, ROWS, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for number, of_two in enumerate(noise):
            command, constant = torch.full((ROWS, 1), float(number // 20 % 2)), torch.ones(ROWS, 1)
            values = torch.cat((of_two, command, constant), 1)
            present = torch.ones(ROWS, 4, dtype=torch.bool)
            present[:, 1] = number < 40
            _, state = detector.step(values, present, CONTEXT, state, pool)

    assert lively[0].eq(0).all()
    torch.testing.assert_close(lively[39], torch.full((ROWS,), 2.0), atol=0.1, rtol=0)
    torch.testing.assert_close(lively[49], torch.full((ROWS,), 1.0), atol=0.1, rtol=0)


def test_a_second_reading_is_judged_by_the_size_of_the_first_and_counts_in_no_pool() -> None:
    batch = walk(3)
    said = outcomes(detector_of(load(shipped("gru")).forecaster, 1), batch)

    first, second, third = (Outcome(*(column[t] for column in said)) for t in range(3))

    assert not first.is_judged.any()
    assert second.is_judged.all()
    assert (second.anomaly_score < 1e-6).all()  # any first move is as good as another
    assert not second.sample.is_judged.any()
    assert not second.sample.is_counted.any()
    assert third.sample.is_judged.all()
    assert third.sample.is_counted.any()


def test_a_channel_that_has_never_moved_counts_from_when_its_standing_still_is_its_scale() -> None:
    batch = walk(scaler.EARLY_READINGS + 3)
    batch.values[:] = 20.0

    said = outcomes(detector_of(load(shipped("gru")).forecaster, 1), batch)

    assert said.is_judged[1:].all()
    assert said.has_scale[:, 0, 0].tolist() == [False] * scaler.EARLY_READINGS + [True] * 3
    assert not said.moved.any()
