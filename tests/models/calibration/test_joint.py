"""The joint verdict: analog channels weigh alike, and all that hardly move weigh no more together than one of them."""

import math

import torch

from models.artifact import load, shipped
from models.calibration import joint
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.outcome import Outcome
from models.transform import Transform

ROWS = 32
LINE = 4.0


def lived(values: torch.Tensor, present: torch.Tensor | None = None) -> Outcome:
    """What the experts' detector says of readings of R series, at most 32. values, present: (T, R, C), and so it is."""
    _, series, channels = values.shape
    detector = Detector(load(shipped("", "experts")).forecaster, DetectorOptions((Transform.NONE,) * channels))
    state, pool = fresh_state(detector.columns, ROWS), Pool.fresh(Budget(2 * 10**LINE))
    context = Context.of(torch.ones(ROWS), torch.zeros(ROWS, 2))
    is_there = torch.ones_like(values, dtype=torch.bool) if present is None else present
    rows = torch.arange(ROWS).clamp_max(series - 1)
    outcomes = []
    with torch.inference_mode():
        for now, there in zip(values.double(), is_there, strict=True):
            outcome, state = detector.step(now[rows], there[rows], context, state, pool)
            outcomes.append([column[:series] for column in outcome])
    return Outcome(*map(torch.stack, zip(*outcomes, strict=True)))


def noise(steps: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(steps, generator=torch.Generator().manual_seed(seed)) + 20


def switching(steps: int, every: int) -> torch.Tensor:
    """A command that is given for ten readings, each ``every`` or so readings."""
    return (torch.arange(steps) % every >= every - 10).float()


def test_analog_channels_share_the_verdict_alike() -> None:
    surprise = torch.tensor([[6.0, 1.0, 0.0, 2.0]])

    evidence = joint.evidence(surprise, joint.weights(torch.ones(1, 4), torch.ones(1, 4, dtype=torch.bool)))

    torch.testing.assert_close(evidence, surprise - math.log10(4))


def test_channels_that_hardly_move_weigh_together_what_one_analog_channel_weighs() -> None:
    liveliness = torch.tensor([[1.0, *[0.0] * 37]])

    weight = joint.weights(liveliness, torch.ones(1, 38, dtype=torch.bool))

    torch.testing.assert_close(weight[0, 0], torch.tensor(0.5))
    torch.testing.assert_close(weight[0, 1:].sum(), torch.tensor(0.5))


def test_a_channel_that_is_not_judged_neither_counts_nor_has_a_share() -> None:
    surprise, is_judged = torch.tensor([[3.0, 5.0, 1.0]]), torch.tensor([[True, False, True]])

    evidence = joint.evidence(surprise, joint.weights(torch.ones(1, 3), is_judged))

    torch.testing.assert_close(evidence.amax(1), torch.tensor([3 - math.log10(2)]))
    assert joint.shares(evidence)[0, 1] == 0
    torch.testing.assert_close(joint.shares(evidence).sum(1), torch.ones(1))


def test_dead_channels_do_not_dilute_a_spike_of_the_one_that_lives() -> None:
    values = torch.full((250, 2, 12), 5.0)
    values[..., 0] = noise(250).unsqueeze(1)
    values[-1, :, 0] += 8
    present = torch.ones_like(values, dtype=torch.bool)
    present[:, 0, 1:] = False

    alone, crowd = lived(values, present).joint_surprise[-1]

    assert crowd > alone - 0.35  # and not less by log10(12) = 1.1 decades


def test_commands_alarm_where_they_are_unusual_and_not_each_time_they_are_given() -> None:
    usual, never_given, far = switching(500, every=60), torch.ones(500), switching(500, every=60)
    never_given[-1], far[-1] = 2.0, 50.0
    commands = torch.stack((usual, never_given, far), 1)

    outcome = lived(torch.stack((noise(500).unsqueeze(1).expand(500, 3), commands), 2))

    assert (outcome.anomaly_score[250:, 0] < 1).all()
    assert (outcome.anomaly_score[-1] > 1).tolist() == [False, True, True]
    assert outcome.evidence[-1, 1:].argmax(1).tolist() == [1, 1]


def test_channels_that_were_away_for_hours_neither_alarm_when_they_come_back_nor_count_meanwhile() -> None:
    walk = noise(500, seed=3).sub(19.9).cumsum(0)
    values = torch.stack((noise(500), walk), 1).unsqueeze(1)
    present = torch.ones_like(values, dtype=torch.bool)
    present[150:450, :, 1] = False

    outcome = lived(values, present)

    assert (values[450] - values[149])[0, 1].abs() > 8
    assert (outcome.anomaly_score[100:] < 1).all()
    assert outcome.evidence[150:451, 0, 1].isneginf().all()
    assert outcome.evidence[451:, 0, 1].isfinite().all()


def test_permuted_channels_permute_the_evidence() -> None:
    values = torch.stack((noise(90), switching(90, 40), torch.zeros(90), noise(90, seed=1)), 1)
    order = [3, 1, 0, 2]

    ours, other = lived(torch.stack((values[:, order], values), 1)).evidence[-1]

    torch.testing.assert_close(ours, other[order], atol=1e-3, rtol=1e-3)
