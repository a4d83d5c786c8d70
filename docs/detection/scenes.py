"""The series that the page shows: a seeded one for every kind of fault, each judged as if it were live."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from connectors.columns import Readings, TopicPartition
from models.artifact import load, shipped
from streamer.config import Choices
from streamer.judge import make_judge
from streamer.partition import Partition
from streamer.phases import Phases
from streamer.steps import Steps

WHERE = TopicPartition("docs", 0)
FLEET = 24  # series that are well, beside the one that is shown: a pool is of many
MINUTE, FIVE_MINUTES, QUARTER = 60, 300, 900  # seconds
MONDAY = 4 * 86_400
SECOND_NS = 1_000_000_000

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """One series, and the part of it that is shown."""

    name: str
    title: str
    values: Float64  # (N,)
    interval_seconds: int
    shown: slice


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of every reading of a scene."""

    value: Float64  # (N,) as are the others
    lower: Float64
    upper: Float64
    score: Float64
    novelty: Float64
    opened: list[tuple[int, str]]  # reading and kind


def scenes() -> list[Scene]:
    """All of them, in the order of the page."""
    rng = np.random.default_rng(5)
    spike = 20 + rng.normal(size=700)
    spike[620] += 9
    shift = 20 + rng.normal(size=900)
    shift[600:] += 3.5
    stuck = 20 + np.cumsum(rng.normal(size=800)) * 0.2 + rng.normal(size=800) * 0.3
    stuck[600:700] = stuck[600]
    wider = 20 + rng.normal(size=900)
    wider[600:700] = 20 + rng.normal(size=100) * 3.5
    return [
        Scene("spike", "A reading far out", spike, MINUTE, slice(560, 700)),
        Scene("shift", "A level that shifts", shift, MINUTE, slice(560, 720)),
        Scene("stuck", "A sensor that stands still", stuck, MINUTE, slice(540, 740)),
        Scene("wider", "A noise that grows", wider, MINUTE, slice(560, 740)),
        Scene(
            "peak",
            "A peak that does not come",
            _peaks(np.random.default_rng(6)),
            FIVE_MINUTES,
            slice(11 * 288, 16 * 288),
        ),
        Scene("morning", "A job of every morning, and one at noon", _mornings(rng), QUARTER, slice(0, 14 * 96)),
    ]


def _peaks(rng: np.random.Generator) -> Float64:
    """Sixteen days with a peak at noon, but one, and noise that each reading has most of from the one before."""
    reading = np.arange(16 * 288)
    values = 20 + rng.normal(size=len(reading))
    for at in reading[1:]:
        values[at] += 0.7 * (values[at - 1] - 20)
    peak = 10 * np.exp(-((((reading % 288) / 12 - 12) / 1.5) ** 2) / 2)
    return values + np.where(reading // 288 == 14, 0.0, peak)


def _mornings(rng: np.random.Generator) -> Float64:
    values = 50 + 0.5 * rng.normal(size=14 * 96)
    values[np.arange(len(values)) % 96 // 4 == 6] += 30
    values[12 * 96 + 48] += 80
    return values


def told(scene: Scene) -> Told:
    """Judge a scene among a fleet that is well, reading by reading, by the shipped weights and default settings."""
    torch.set_num_threads(1)
    choices, phases = Choices(), Phases(lambda: 0.0, lambda *_: None)
    judge = make_judge("docs", choices, load(shipped("gru")), Steps(torch.device("cpu")), phases)
    partition, length = Partition(judge, WHERE), len(scene.values)
    well = 20 + np.random.default_rng(1).normal(size=(length, FLEET))
    values = np.column_stack((scene.values, well))
    names = np.array(["shown", *(f"well-{number}" for number in range(FLEET))], dtype=object)
    opened, columns = [], []
    for first, last in pairwise([*range(0, length, 128), length]):
        progress = partition.advance(_readings(names, values[first:last], first, scene.interval_seconds))
        columns += [(r.readings.series == "shown", r) for r in progress.results]
        for alarms in progress.alarms:
            of = alarms.results.readings
            events = zip(alarms.event, alarms.kind, of.series.tolist(), of.offset.tolist(), strict=True)
            opened += [(at, kind) for event, kind, who, at in events if (event, who) == ("opened", "shown")]

    def joined(name: str) -> Float64:
        return np.concatenate([getattr(results, name)[is_shown] for is_shown, results in columns])

    return Told(
        value=scene.values,
        lower=joined("lower")[:, 0],
        upper=joined("upper")[:, 0],
        score=joined("anomaly_score"),
        novelty=joined("novelty"),
        opened=opened,
    )


def _readings(names: NDArray[np.object_], values: Float64, first: int, interval_seconds: int) -> Readings:
    """One reading of every series at each time. values: (N, S)."""
    times, series = values.shape
    offset = np.repeat(np.arange(first, first + times), series)
    return Readings(
        "docs",
        WHERE,
        np.tile(names, times),
        offset,
        np.tile(np.arange(series), times),
        (MONDAY + offset * interval_seconds) * SECOND_NS,
        values.reshape(-1, 1),
        np.ones((times * series, 1), dtype=np.bool_),
    )
