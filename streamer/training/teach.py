"""Teaches an artifact the readings of a group, and judges it before and after by what was held out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import torch

from connectors.errors import ConfigError
from models.artifact import Artifact, Origin, versions
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster, build
from models.training.evaluation import Evaluation, evaluate
from models.training.forecast_task import Lesson, task_of
from models.training.snapshot import Keeper, Position, SnapshotError
from models.training.team import Team
from models.training.trainer import DivergedError, Observer, Settings, Trainer
from models.transform import Transform
from streamer.calendar import calendar_of
from streamer.config import GroupOptions
from streamer.native.quick import Quick
from streamer.training.options import TrainingOptions
from streamer.training.series import Gathered
from streamer.training.stretches import Draw, Seen, Split, split

HELD_OUT_RATIO = 0.25  # of the rows of an epoch: as many stretches are held out, at most


@dataclass(frozen=True, slots=True)
class Means:
    """On what and with whom it is trained, where an interrupted training goes on from, and who hears of it."""

    device: torch.device
    team: Team
    keeper: Keeper
    observer: Observer


class Taught(NamedTuple):
    """What came of it."""

    artifact: Artifact
    before: Evaluation  # of the weights that it began with, on the readings held out
    after: Evaluation
    position: Position


def teach(start: Artifact, group: GroupOptions, options: TrainingOptions, found: Gathered, means: Means) -> Taught:
    """Train a copy of the weights on the readings.

    Raises:
        ConfigError: there is too little to train on, or what is held out stands still, the forecaster cannot be trained
            so, the training that was interrupted was another one, or the loss is no number any more.
    """
    transforms = tuple(Transform(channel.transform) for channel in group.all_channels)
    judged = DetectorOptions((Transform.NONE,) * len(transforms), band_coverage=group.band_coverage)
    most = max(1, round(options.rows * HELD_OUT_RATIO))
    try:
        parts = split(found.series, options.held_out_ratio, options.length, most, options.seed)
        seen = Seen(transforms, calendar_of(group.time_zone))
        held_out = [seen.batch_of(parts.held_out)]
        before = evaluate(Detector(start.forecaster, judged).eval(), held_out)
        draw = Draw(parts.trained, seen, options.rows, options.length, options.seed)
        forecaster = _copy(start, group).to(means.device)
        lesson = Lesson(draw, held_out, options.window, _identity(start, group, options, found))
        task = task_of(forecaster, lesson, Quick)
        trainer = Trainer(task, _settings(options), means.team, means.keeper, means.observer)
        position = trainer.fit()
    except (ValueError, SnapshotError, DivergedError) as error:
        raise ConfigError(f"training: {error}") from error
    taught = forecaster.cpu().at((1,)).requires_grad_(False)
    after = evaluate(Detector(taught, judged).eval(), held_out)
    recipe = {"start": start.name, **_settings_of(options), "best_epoch": position.best and position.best.epoch}
    origin = Origin(recipe, after.metrics, _facts(found, parts), versions())
    return Taught(Artifact(start.spec, taught, after.prior, origin), before, after, position)


def _copy(start: Artifact, group: GroupOptions) -> Forecaster:
    copy = build(start.spec)
    copy.load_state_dict(start.forecaster.state_dict())
    return copy.at(tuple(group.horizons))


def _settings(options: TrainingOptions) -> Settings:
    return Settings(
        epochs=options.epochs,
        seed=options.seed,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        clip_norm=options.clip_norm,
        accumulated_windows=options.accumulated_windows,
        reset_ratio=options.reset_ratio,
        masked_readings=options.masked_readings,
        patience=options.patience,
        is_mixed=options.mixed_precision,
    )


def _settings_of(options: TrainingOptions) -> dict[str, Any]:
    """What of the options decides the weights."""
    settings: dict[str, Any] = msgspec.to_builtins(options)
    return {name: value for name, value in settings.items() if name not in {"data", "output", "group", "start"}}


def _identity(start: Artifact, group: GroupOptions, options: TrainingOptions, found: Gathered) -> dict[str, Any]:
    """Says which training it is, beside what the trainer knows: one that was interrupted goes on as itself only."""
    seen = {"transforms": [channel.transform for channel in group.all_channels], "time_zone": group.time_zone}
    return {"start": start.name, "data": found.fingerprint, **seen, **_settings_of(options)}


def _facts(found: Gathered, parts: Split) -> dict[str, Any]:
    """What is told of the data."""
    times = [int(one.timestamp[place]) for one in found.series for place in (0, -1)]
    first, last = (datetime.fromtimestamp(time // 1_000_000_000, UTC).isoformat() for time in (min(times), max(times)))
    return {
        "fingerprint": found.fingerprint,
        "series": len(found.series),
        "readings": found.readings,
        "trained_series": len(parts.trained),
        "first": first,
        "last": last,
    }
