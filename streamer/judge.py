"""Judges: everything that decides a score but the readings, made of a group's choices and an artifact."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import torch

from connectors.errors import StateError
from models.alarm import Hysteresis
from models.artifact import Artifact, ArtifactError
from models.artifact import read as read_artifact
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.detector import Detector, DetectorOptions
from models.transform import Transform
from streamer.alarm_options import AlarmOptions
from streamer.calendar import Calendar, calendar_of
from streamer.checkpoint import Checkpoint
from streamer.config import Choices
from streamer.phases import Phases
from streamer.step import Step
from streamer.steps import Steps
from streamer.tolerance import Tolerances


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Judge:
    """What the partitions of a group have in common. Two of one group may differ, until both have passed a barrier."""

    group: str
    choices: Choices
    channels: tuple[str, ...]
    detector: Detector
    step: Step  # of the detector
    artifact: Artifact
    pool: Pool  # before a partition's first epoch
    device: torch.device
    calendar: Calendar
    phases: Phases
    tolerances: Tolerances
    plain: "Judge | None" = None  # whose weights these are, where something was said of alarms


class Judges:
    """Makes the judges of one group. ``choices`` and ``artifact`` are those that a partition without state begins with.

    Those of equal choices and one artifact are the same, so that partitions share weights; whom no partition has any
    more is forgotten.
    """

    def __init__(self, group: str, choices: Choices, artifact: Artifact, make: Callable[..., Judge]) -> None:
        self.group = group
        self.choices = choices
        self.artifact = artifact
        self._make = make
        self._made: WeakValueDictionary[tuple[bytes, str], Judge] = WeakValueDictionary()
        self._first: Judge | None = None  # kept also while there is no partition

    @property
    def first(self) -> Judge:
        """The judge of a partition that begins anew."""
        self._first = self.of(self.choices, self.artifact)
        return self._first

    def now(self, before: Judge) -> Judge:
        """The judge by the choices of today, with the artifact that a partition has: state fits no other."""
        return before if before.choices is self.choices else self.of(self.choices, before.artifact)

    def of(self, choices: Choices, artifact: Artifact) -> Judge:
        """The judge of these.

        Raises:
            StateError: they do not go together.
        """
        key = msgspec.json.encode(choices), artifact.name
        judge = self._made.get(key)
        if judge is None:
            judge = self._made[key] = self._new(choices, artifact)
        return judge

    def of_checkpoint(self, checkpoint: Checkpoint) -> Judge:
        """The judge that was in force when the checkpoint was taken.

        Raises:
            StateError: this version cannot make it.
        """
        try:
            choices = choices_of(checkpoint.settings)
            artifact = read_artifact(checkpoint.artifact_content, checkpoint.artifact)
        except (msgspec.ValidationError, ArtifactError) as error:
            raise StateError(f"checkpoint {checkpoint.next_offset} of {checkpoint.key}: {error}") from error
        return self.of(choices, artifact)

    def _new(self, choices: Choices, artifact: Artifact) -> Judge:
        if not choices.tolerances:
            return self._make(self.group, choices, artifact)
        plain = self.of(msgspec.structs.replace(choices, tolerances=[]), artifact)
        return replace(plain, choices=choices, tolerances=Tolerances(choices.tolerances), plain=plain)


def make_judge(group: str, choices: Choices, artifact: Artifact, steps: Steps, phases: Phases) -> Judge:
    """A judge of these choices and this artifact.

    Raises:
        StateError: the artifact cannot forecast at the horizons.
    """
    channels = choices.all_channels
    options = DetectorOptions(
        transforms=tuple(Transform(channel.transform) for channel in channels),
        hysteresis=Hysteresis(choices.alarm.close_ratio, choices.alarm.calm_readings),
        band_coverage=choices.band_coverage,
        rules=tuple(options.rule for options in choices.rules),
    )
    try:
        step = steps.of(artifact, tuple(choices.horizons), options)
    except ValueError as error:
        raise StateError(
            f"group {group!r}: {error}, by the artifact {artifact.name} that its state was made of; "
            "`streamer reset` begins anew"
        ) from error
    return Judge(
        group=group,
        choices=choices,
        channels=tuple(channel.name for channel in channels),
        detector=step.detector,
        step=step,
        artifact=artifact,
        pool=Pool.fresh(_budget(choices.alarm), artifact.prior.to(steps.device)),
        device=steps.device,
        calendar=calendar_of(choices.time_zone),
        phases=phases,
        tolerances=Tolerances(choices.tolerances),
    )


def _budget(options: AlarmOptions) -> Budget:
    """What of a group's budget one partition has."""
    daily = options.alarms_per_day
    return Budget(options.readings_per_alarm, None if daily is None else daily / options.partitions)


def settings_of(judge: Judge) -> dict[str, Any]:
    """A judge's choices as a checkpoint holds them."""
    settings: dict[str, Any] = msgspec.to_builtins(judge.choices)
    return settings


def choices_of(settings: dict[str, Any]) -> Choices:
    """The choices that a checkpoint holds, in the words of today: a line of its own is a budget now.

    Raises:
        msgspec.ValidationError: they are none.
    """
    alarm = {key: value for key, value in settings.get("alarm", {}).items() if key != "tail_probability"}
    return msgspec.convert({**settings, "alarm": alarm}, Choices)
