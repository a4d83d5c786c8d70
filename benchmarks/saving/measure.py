"""What one checkpoint after the other costs: the pause, and scoring while it is written."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from saving.fleet import Fleet

BATCH_READINGS = 1_000  # small, so that the gap between two of them shows a stall
_IDLE_BATCHES = 100  # between two checkpoints


@dataclass(frozen=True, slots=True)
class Cost:
    """What a thread spent on something: by the clock on the wall, and of its core's time alone."""

    seconds: float
    cpu_seconds: float

    @staticmethod
    def of(call: Callable[[], None]) -> "Cost":
        """Call it."""
        started, cpu_started = time.perf_counter(), time.thread_time()
        call()
        return Cost(time.perf_counter() - started, time.thread_time() - cpu_started)


@dataclass(frozen=True, slots=True)
class Pace:
    """Scoring for a while, batch after batch."""

    batches: tuple[Cost, ...]

    @property
    def rate(self) -> float:
        """Readings per second."""
        return BATCH_READINGS * len(self.batches) / sum(batch.seconds for batch in self.batches)

    @property
    def longest_seconds(self) -> float:
        """The longest batch."""
        return max(batch.seconds for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Save:
    """One checkpoint, beside a plain copy of as many bytes in the same moment."""

    pause: Cost
    copy: Cost
    write_seconds: float
    read_seconds: float
    restore_seconds: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One fleet: what its checkpoints cost, and how it was scored before and beside each of them."""

    label: str
    copied_bytes: int
    file_bytes: int
    first: Save  # into new memory, both
    saves: list[Save]
    idle: list[Pace]
    busy: list[Pace]

    @property
    def slowdown(self) -> float:
        """By what factor scoring is slower while a checkpoint is written: the median over pairs one after the other."""
        return median(idle.rate / busy.rate for idle, busy in zip(self.idle, self.busy, strict=True))


def measured(series: int, cell: str, channels: int, repetitions: int, warm_up: int) -> Measurement:
    """Measure one fleet, after so many batches that are not counted."""
    with TemporaryDirectory(prefix="bench-") as folder:
        fleet = Fleet(Path(folder), series, cell, channels)
        for _ in range(warm_up):
            fleet.score(BATCH_READINGS)
        data = np.ones(fleet.copied_bytes, np.uint8)
        room = np.empty_like(data)
        first = _save(fleet, lambda: np.copyto(room, data))
        saves, idle, busy = [], [], []
        for _ in range(repetitions):
            fleet.score(BATCH_READINGS)
            saves.append(_save(fleet, lambda: np.copyto(room, data)))
            idle.append(_pace(fleet, partial(next, iter([False] * _IDLE_BATCHES), True)))
            fleet.begin()
            busy.append(_pace(fleet, lambda: fleet.is_written))
        fleet.keeper.close()
        label = f"{series:,}, {cell}, {channels} channel{'s' if channels > 1 else ''}"
        return Measurement(label, len(data), fleet.file_bytes, first, saves, idle, busy)


def _save(fleet: Fleet, copy: Callable[[], None]) -> Save:
    copied, pause, written = Cost.of(copy), Cost.of(fleet.begin), Cost.of(fleet.wait)
    return Save(pause, copied, written.seconds, *fleet.restore())


def _pace(fleet: Fleet, is_over: Callable[[], bool]) -> Pace:
    """Score until it is over, one batch at least."""
    batches = [Cost.of(lambda: fleet.score(BATCH_READINGS))]
    while not is_over():
        batches.append(Cost.of(lambda: fleet.score(BATCH_READINGS)))
    return Pace(tuple(batches))
