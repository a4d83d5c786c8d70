"""Tasks of forecasters: what is taught is what the detector will do, and whatever is cut or carried changes nothing."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.calibration.prior import BIN_WIDTH
from models.column import fresh_state
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster, Spec, build
from models.training.batches import tensors, transformed
from models.training.evaluation import evaluate
from models.training.following import ABSOLUTE_ERROR_WEIGHT
from models.training.forecast_task import Lesson, task_of
from models.training.forecasting import Batch
from models.training.snapshot import SnapshotError, SnapshotFile
from models.training.task import Shard, Task
from models.training.trainer import Settings, Trainer
from models.transform import Transform
from tests.models.training.detector_task import DetectorTask

STEPS, ROWS, CHANNELS = 48, 32, 2
SPECS = [
    Spec("gru", 8, "recurrent"),
    Spec("lstm", 8, "combiner"),
    Spec("gru", 8, "combiner", "compact", joint=CHANNELS),
]


def batch(epoch: int, steps: int = STEPS) -> Batch:
    """Noisy waves whose second channel is the first one's negative; some readings are missing."""
    rng = np.random.default_rng([3, epoch])
    phase = np.arange(steps)[:, None] / 12 + rng.random((1, ROWS))
    wave = 3 * np.sin(2 * np.pi * phase) + 0.3 * rng.normal(size=(steps, ROWS))
    elapsed = torch.ones(steps, ROWS)
    elapsed[0] = torch.nan
    return Batch(
        values=torch.from_numpy(np.stack((wave, -wave), -1)),
        present=torch.from_numpy(rng.random((steps, ROWS, CHANNELS)) < 0.95),
        scored=torch.ones(steps, ROWS, CHANNELS, dtype=torch.bool),
        elapsed=elapsed,
        calendar=torch.zeros(steps, ROWS, 2),
    )


def forecaster(spec: Spec) -> Forecaster:
    torch.manual_seed(1)
    return build(spec)


def lesson(window: int) -> Lesson:
    return Lesson(batch, [batch(1_000)], window, {"data": "waves"})


def losses(task: Task[Any], windows: Sequence[Any], masked: int = 0) -> tuple[float, float]:
    """The loss over a walk, and over how much it is."""
    carried = task.fresh(windows[0])
    total, count = torch.zeros(()), torch.zeros(())
    for window in windows:
        loss, carried = task.loss(window, carried, torch.full((ROWS,), masked))
        total, count = total + loss.total.detach(), count + loss.weight
    return float(total), float(count)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_walk_is_the_same_however_it_is_cut(spec: Spec) -> None:
    model = forecaster(spec)

    whole, cut = (losses(task, task.walk(0, Shard())) for task in (task_of(model, lesson(n)) for n in (STEPS, 20)))

    assert cut == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_shards_together_are_the_walk(spec: Spec) -> None:
    task = task_of(forecaster(spec), lesson(STEPS))

    parts = [losses(task, task.walk(0, Shard(index, 2))) for index in range(2)]

    assert tuple(map(sum, zip(*parts, strict=True))) == pytest.approx(losses(task, task.walk(0, Shard())), rel=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_masked_readings_count_for_nothing(spec: Spec) -> None:
    task = task_of(forecaster(spec), lesson(STEPS))
    walk = task.walk(0, Shard())

    all_of_them, most, none = (losses(task, walk, masked)[1] for masked in (0, 10, STEPS))

    assert all_of_them > most > 0
    assert none == 0


def without_gaps() -> Batch:
    return dataclasses.replace(batch(0), present=torch.ones(STEPS, ROWS, CHANNELS, dtype=torch.bool))


def taught_and_live(spec: Spec, readings: Batch, absolute: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The losses over a walk, and those that the detector would be taught by, reading by reading."""
    model, of_one = forecaster(spec), Lesson(lambda _: readings, [], STEPS, {})
    tasks: list[Task[Any]] = [task_of(model, of_one), DetectorTask(model, of_one, absolute)]
    taught, live = (losses(task, task.walk(0, Shard())) for task in tasks)
    return taught, live


def test_the_combiner_is_taught_what_the_detector_makes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The likelihood, that is: errors are counted in other units, and live there is a panel."""
    monkeypatch.setattr("models.training.forecasting.SCORE_WEIGHT", 0.0)
    monkeypatch.setattr("models.forecasters.panel.YOUNG", math.inf)

    taught, live = taught_and_live(SPECS[1], without_gaps(), absolute=0.0)

    assert taught == pytest.approx(live, rel=1e-4)


def test_a_cell_without_experts_is_taught_what_the_detector_makes_of_it() -> None:
    readings = without_gaps()
    readings.elapsed[STEPS // 2, ::3] = 5.0  # some pause
    readings.values[:6, 1::4] = 0.0  # some have no scale yet

    taught, live = taught_and_live(SPECS[0], readings, ABSOLUTE_ERROR_WEIGHT)

    assert taught == pytest.approx(live, rel=1e-4)
    assert live[1] < (STEPS - 1) * ROWS * CHANNELS


def test_a_snapshot_that_carries_a_detectors_state_is_refused_by_name(tmp_path: Path) -> None:
    """What is carried was once all state of a detector, under the same identity otherwise."""
    model, settings = forecaster(SPECS[0]), Settings(epochs=1)
    keeper = SnapshotFile(tmp_path / "a.training")
    Trainer(DetectorTask(model, lesson(STEPS)), settings, keeper=keeper).fit()

    with pytest.raises(SnapshotError, match=r"training with {'carried': 'cell'}, got one with {'carried': None}"):
        Trainer(task_of(model, lesson(STEPS)), settings, keeper=keeper).fit()


def test_rows_are_filled_up_to_whole_tiles_with_rows_that_count_for_nothing() -> None:
    readings = batch(0)
    few = Batch(*(tensor[:, :5] for tensor in tensors(readings)))
    task = task_of(forecaster(SPECS[0]), Lesson(lambda _: few, [], STEPS, {}))

    walk = task.walk(0, Shard())

    assert walk[0].target.shape == (STEPS, 32, CHANNELS)
    assert losses(task, walk)[1] == (few.present[1:] & few.present[:-1]).sum()  # the change from one to the next


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_training_makes_forecasts_of_unseen_readings_better(spec: Spec) -> None:
    model = forecaster(spec)
    before = losses(task_of(model, lesson(16)), task_of(model, lesson(16)).held_out(Shard())[0])

    best = Trainer(task_of(model, lesson(16)), Settings(epochs=4, learning_rate=0.02)).fit().best

    assert best is not None
    assert best.loss < before[0] / before[1] - 0.02


@pytest.mark.parametrize("kind", ["experts", "half_space_trees"])
def test_what_has_no_network_has_nothing_to_be_taught(kind: str) -> None:
    with pytest.raises(ValueError, match="forecaster: Expected one with weights to train, got one without a network"):
        task_of(build(Spec("", 0, kind)), lesson(STEPS))


def test_transformed_values_are_those_that_the_detector_judges() -> None:
    transforms = (Transform.DIFFERENCE, Transform.RATE)
    raw, model = batch(0), forecaster(SPECS[0])
    detector = Detector(model, DetectorOptions(transforms))
    state, pool, expected = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), []

    for reading in raw.readings():
        outcome, state = detector.step(*reading, state, pool)
        expected.append(outcome.value)

    judged = transformed(raw, transforms)
    assert torch.equal(judged.values.masked_fill(~judged.present, torch.nan).nan_to_num(9e9), stacked(expected))


def stacked(values: list[Tensor]) -> Tensor:
    return torch.stack(values).nan_to_num(9e9)


def test_an_evaluation_counts_what_is_scored_and_how_it_fared() -> None:
    readings = batch(0)
    later = readings.scored.clone()
    later[: STEPS // 2] = False
    detector = Detector(forecaster(SPECS[1]), DetectorOptions((Transform.NONE,) * CHANNELS))

    found = evaluate(detector, [dataclasses.replace(readings, scored=later)])

    judged = found.metrics["judged"]
    assert judged == readings.present[STEPS // 2 :].sum()
    assert 0.99 * judged < int(found.prior.sum()) <= judged  # but for those that have hardly moved
    assert 0.9 < found.metrics["band_coverage"] <= 1
    beyond = found.prior[round(2 / BIN_WIDTH) :].sum() / judged
    assert found.metrics["share_beyond_p_1e-2"] == pytest.approx(float(beyond))
