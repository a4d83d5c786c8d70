"""How the shipped artifacts are made: from a seed, of synthetic streams only, fresh ones all the time."""

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from models.artifact import Artifact, Origin, versions
from models.calibration.prior import BINS
from models.detector import Detector, DetectorOptions
from models.forecasters import BASELINES, Forecaster, Kind, Spec, build
from models.forecasters.combiner import Combiner
from models.training import forecast_task
from models.training.evaluation import evaluate
from models.training.forecast_task import CombinerTask, Lesson
from models.training.forecasting import Batch, Observed, Quicken, as_it_is
from models.training.snapshot import Position, SnapshotFile
from models.training.streams import draw
from models.training.task import Shard, Task, Walk
from models.training.trainer import Observer, Settings, Trainer
from models.transform import Transform

HORIZONS = ((1, 12, 24), (1, 3, 48), (1, 6, 96), (1, 2, 18), (1, 24, 36), (1, 8, 64))  # of one batch after the other
CHANNELS = (1, 1, 4)
HELD_OUT = 1_000_000  # number of the first batch that is never trained
COMPACT, RICH = (Settings(epochs, reset_ratio=0.02) for epochs in (80, 60))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights."""

    spec: Spec
    streams: int = 1024
    length: int = 1024
    window: int = 128
    settings: Settings = field(default_factory=lambda: Settings(epochs=64, reset_ratio=0.02))


LONG = partial(Recipe, streams=256, length=2048)  # so that weeks of hours are seen
RECIPES = {
    "gru": LONG(Spec("gru", 32, Kind.COMBINER.value), settings=COMPACT),
    "lstm": LONG(Spec("lstm", 32, Kind.COMBINER.value), settings=COMPACT),
    "gru-rich": LONG(Spec("gru", 64, Kind.COMBINER.value, "rich"), settings=RICH),
    "lstm-rich": LONG(Spec("lstm", 64, Kind.COMBINER.value, "rich"), settings=RICH),
    "gru-recurrent": Recipe(Spec("gru", 32), streams=512, window=64),
    "lstm-recurrent": Recipe(Spec("lstm", 32), streams=512, window=64),
    "experts": Recipe(Spec("", 0, Kind.EXPERTS.value)),
    "experts-rich": Recipe(Spec("", 0, Kind.EXPERTS.value, "rich")),
    **{baseline: Recipe(Spec("", 0, baseline), streams=256) for baseline in BASELINES},
}  # by the name of the artifact


def batch_of(recipe: Recipe, number: int) -> Batch:
    """The streams of one number: single channels, and coupled ones in groups of four."""
    channels = CHANNELS[number % len(CHANNELS)]
    rng = np.random.default_rng([recipe.settings.seed, number])
    return Batch.of(draw(rng, recipe.length, recipe.streams // channels, channels))


class SyntheticTask(CombinerTask):
    """Teaches a combiner one batch after the other, each at horizons of its own."""

    def __init__(self, combiner: Combiner, lesson: Lesson, quicken: Quicken = as_it_is) -> None:
        super().__init__(combiner.at(HORIZONS[0]), lesson, quicken)
        self._teachers = [CombinerTask(combiner.at(horizons), lesson, quicken) for horizons in HORIZONS]

    @property
    @override
    def identity(self) -> dict[str, Any]:
        return {**super().identity, "horizons": [list(horizons) for horizons in HORIZONS]}

    @override
    def walk(self, epoch: int, shard: Shard) -> Walk[Observed]:
        return self._teachers[epoch % len(HORIZONS)].walk(epoch, shard)


class Lines(Observer):
    """Prints a line for every epoch."""

    def __init__(self, name: str) -> None:
        self._name = name

    @override
    def judged(self, position: Position, trained: float | None, held_out: float | None) -> None:
        print(f"{self._name}: epoch {position.epoch}, loss {trained}, held out {held_out}", flush=True)


def task_of(forecaster: Forecaster, recipe: Recipe, quicken: Quicken = as_it_is) -> Task[Any]:
    """What teaches the forecaster of a recipe."""
    held_out = [batch_of(recipe, HELD_OUT + i) for i in (1, 2)]  # four channels, and one
    lesson = Lesson(partial(batch_of, recipe), held_out, recipe.window, asdict(recipe.spec))
    if isinstance(forecaster, Combiner):
        return SyntheticTask(forecaster, lesson, quicken)
    return forecast_task.task_of(forecaster, lesson, quicken)


def make(name: str, recipe: Recipe, folder: Path, quicken: Quicken = as_it_is) -> Artifact:
    """Train from the seed, or from where the snapshot in the folder stands, and look at what came out.

    quicken: what makes the step of the experts quicker.
    """
    torch.manual_seed(recipe.settings.seed)
    forecaster = build(recipe.spec)
    losses = {}
    if recipe.spec.kind.has_network:
        snapshot = SnapshotFile(folder / f"{name}.training")
        trainer = Trainer(task_of(forecaster, recipe, quicken), recipe.settings, keeper=snapshot, observer=Lines(name))
        best = trainer.fit().best
        losses = {"loss": best.loss} if best else {}
    origin = Origin(asdict(recipe), losses, {"streams": "synthetic"}, versions())
    nothing = torch.zeros(BINS, dtype=torch.int64)
    return evaluated(Artifact(recipe.spec, forecaster, nothing, origin), recipe)


def evaluated(artifact: Artifact, recipe: Recipe) -> Artifact:
    """The same weights with the prior and the figures that held-out streams give them."""
    detector = Detector(artifact.forecaster.eval(), DetectorOptions((Transform.NONE,)))
    evaluation = evaluate(detector, [batch_of(recipe, HELD_OUT + i) for i in (3, 5)])
    metrics = {**artifact.origin.metrics, **evaluation.metrics}
    return replace(artifact, prior=evaluation.prior, origin=replace(artifact.origin, metrics=metrics))
