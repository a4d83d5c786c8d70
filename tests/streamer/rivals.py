"""Artifacts that differ a little from one another, and what a partition says under one after the other."""

import copy
from typing import Any

import numpy as np
import torch

from connectors.columns import Readings
from models import alarm
from models.artifact import Artifact, load, shipped
from streamer.judge import Judge, make_judge
from streamer.partition import Partition
from streamer.shadow import Learnt, Shadow
from tests.streamer.fleets import WHERE, judge, steps_on
from tests.streamer.plain_loop import Loop

NEVER = 10**9  # a goal that no shadow reaches


def rival(cell: str, size: float = 0.02, forecaster: str = "combiner") -> Artifact:
    """A shipped artifact with other weights, each a little off; a lot, and a recurrent one is a poor one."""
    artifact = load(shipped(cell, forecaster))
    own = copy.deepcopy(artifact.forecaster)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in own.parameters():
            weight.mul_(1 + size * torch.randn(weight.shape, generator=random))
    return Artifact(artifact.spec, own, artifact.prior)


def judged_by(artifact: Artifact, like: Judge) -> Judge:
    """A judge of the same choices with another artifact."""
    return make_judge(like.group, like.choices, artifact, steps_on(like.device), like.phases)


def followed(champion: Judge, challenger: Judge) -> Partition:
    """A partition whose shadow follows from its first reading."""
    partition = Partition(champion, WHERE)
    partition.shadow = Shadow(Learnt.nothing(challenger), NEVER)
    return partition


def swapped_loop(champion: Judge, challenger: Judge, before: Readings, after: Readings) -> list[dict[str, Any]]:
    """The reference: plain loops. What was told of alarms goes over, everything else the challenger learnt itself."""
    first, second = Loop(champion), Loop(challenger)
    told = first.advance(before)
    second.advance(before)
    for name, memory in second.series.items():
        state = first.series[name].state
        memory.state |= {column.name: state[column.name] for column in alarm.columns()}
    return [told, second.advance(after)]


def joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


__all__ = ["NEVER", "followed", "joined", "judge", "judged_by", "rival", "swapped_loop"]
