"""Who enters: detectors by name, and what of their columns is compared as a score."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch

from accuracy.ablation import OF_ALARMS, OF_SURGE, Switch, of_novelty
from accuracy.baselines import BASELINES, smoothed
from accuracy.data import Bool, File, Float64
from accuracy.replay import Replay, Track
from models.artifact import load, shipped
from models.forecasters import Kind
from streamer.config import Choices
from streamer.judge import Judge, make_judge
from streamer.phases import Phases
from streamer.steps import Steps

SMOOTHING = 1 / 16
STREAMER = "streamer"


@dataclass(frozen=True, slots=True)
class View:
    """A score as it is compared: made of columns of a track."""

    columns: tuple[str, ...]
    score: Callable[[Track], Float64]  # -> (S,) of the readings that are scored


@dataclass(frozen=True, slots=True)
class Scores:
    """What one row of a table says of each of some files, in their order."""

    name: str
    scores: list[Float64]  # (S,) each
    opened: list[Bool] | None = None  # where its detector opened alarms; None of a score without alarms


def novelty(track: Track) -> Float64:
    """What the detector ranks by."""
    return track.scored("novelty").astype(np.float64)


def surge(track: Track) -> Float64:
    """How many times beyond its own record, at the peaks alone."""
    return track.scored("surge").astype(np.float64)


def anomaly_score(track: Track) -> Float64:
    """The largest ratio to a line."""
    return track.scored("anomaly_score").astype(np.float64)


def surprise(track: Track) -> Float64:
    """The smoothed surprise of the reading."""
    return smoothed(track.scored("joint_surprise").astype(np.float64), SMOOTHING)


def residual(track: Track) -> Float64:
    """How far the reading is from the forecast of one step before, in units of its spread: the mean over channels."""
    value, forecast, spread = (track.scored(name).astype(np.float64) for name in RESIDUAL.columns)
    z = np.abs(value - forecast) / spread
    is_judged = np.isfinite(z)
    mean: Float64 = np.where(is_judged, z, 0).sum(1) / is_judged.sum(1).clip(1)
    return mean


NOVELTY = View(("novelty",), novelty)
SURGE = View(("surge",), surge)
ANOMALY_SCORE = View(("anomaly_score",), anomaly_score)
SURPRISE = View(("joint_surprise",), surprise)
RESIDUAL = View(("value", "forecast", "spread"), residual)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A detector with shipped weights, by the defaults but for what is named here. One configuration for all sets."""

    name: str
    forecaster: str = "combiner"
    tier: str = "compact"
    cell: str = "gru"
    views: Mapping[str, View] = field(default_factory=lambda: {"novelty": NOVELTY})
    without: Switch | None = None  # a mechanism that is off
    is_forgetful: bool = False  # the state of its network begins anew in every stretch

    def judge(self, channels: int) -> Judge:
        """The judge of files of so many channels."""
        choices = Choices(channels=[f"c{number}" for number in range(channels)])
        artifact = load(shipped(self.cell, self.forecaster, self.tier))
        steps, phases = Steps(torch.device("cpu")), Phases(lambda: 0.0, lambda *_: None)
        return make_judge("accuracy", choices, artifact, steps, phases)

    def scores(self, files: Sequence[File]) -> list[Scores]:
        """Its rows."""
        names = ("opened", *{column for view in self.views.values() for column in view.columns})
        tracks: dict[int, Track] = {}
        for channels in sorted({file.channels for file in files}):
            places = [place for place, file in enumerate(files) if file.channels == channels]
            with self.without.off() if self.without else nullcontext():
                judge = self.judge(channels)
                replay = Replay(judge, _cell_columns(judge) if self.is_forgetful else ())
                came = replay.tracks([files[place] for place in places], names)
            tracks.update(zip(places, came, strict=True))
        in_order = [tracks[place] for place in range(len(files))]
        opened = [_opened(track) for track in in_order]
        return [
            Scores(f"{self.name}: {name}", list(map(view.score, in_order)), opened) for name, view in self.views.items()
        ]


def baselines(files: Sequence[File]) -> list[Scores]:
    """The rows of scores without a model."""
    return [Scores(name, [score(file.values)[file.first :] for file in files]) for name, score in BASELINES.items()]


def entrants(tier: str) -> list[Entrant]:
    """The detector, and what it is compared with: the residual of a network alone, with its memory and without."""
    alone = {"residual": RESIDUAL}
    return [
        Entrant(STREAMER, tier=tier, views={"novelty": NOVELTY, "surge": SURGE, "anomaly score": ANOMALY_SCORE}),
        Entrant("recurrent", forecaster="recurrent", views=alone),
        Entrant("recurrent, zeroed each batch", forecaster="recurrent", views=alone, is_forgetful=True),
    ]


def detectors() -> list[Entrant]:
    """The detectors that a group may choose for comparison, by their surprise."""
    kinds = (Kind.EWMA, Kind.SEASONAL_QUANTILE, Kind.HALF_SPACE_TREES)
    return [Entrant(str(kind), forecaster=kind, views={"surprise, smoothed": SURPRISE}) for kind in kinds]


def ablations(tier: str) -> list[Entrant]:
    """The detector without one mechanism after another, by the score that it has a part in."""
    alarm = {"anomaly score": ANOMALY_SCORE}
    return [
        Entrant("without the network", forecaster=Kind.EXPERTS, tier=tier, views={"novelty": NOVELTY, **alarm}),
        *(Entrant(f"without {switch.name}", tier=tier, without=switch) for switch in of_novelty(tier)),
        *(Entrant(f"without {switch.name}", tier=tier, without=switch, views={"surge": SURGE}) for switch in OF_SURGE),
        *(Entrant(f"without {switch.name}", tier=tier, without=switch, views=alarm) for switch in OF_ALARMS),
    ]


def _opened(track: Track) -> Bool:
    """At which scored readings an alarm of any kind opened; a rejected reading opens none. (S,)."""
    opened: Bool = track.scored("opened").any(1) & track.accepted[track.file.first :]
    return opened


def _cell_columns(judge: Judge) -> tuple[str, ...]:
    """The columns of a network's memory."""
    return tuple(column.name for column in judge.detector.parts["cell"])
