"""Tells people how a training goes: a bar at a terminal, log lines elsewhere, and a CSV file of every epoch."""

import csv
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typing_extensions import override

from models.training.snapshot import Position
from models.training.trainer import Observer

log = logging.getLogger("streamer")
HEADING = ("epoch", "steps", "trained_loss", "held_out_loss", "is_best", "readings", "readings_per_second")


class Watch(Observer):
    """Keeps the log, and tells the bar."""

    def __init__(self, epochs: int, log_file: Path, bar: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._epochs = epochs
        self._log_file = log_file
        self._bar = bar
        self._task = bar.add_task("", total=None, epoch=1, epochs=epochs, loss=float("nan"), rate=0.0)
        self._clock = clock
        self._since = clock()  # of this epoch, as far as this process trains it
        self._readings = 0.0

    @override
    def stepped(self, position: Position, windows: int, readings: float) -> None:
        self._readings += readings
        self._bar.update(
            self._task,
            total=self._epochs * windows,
            completed=position.epoch * windows + position.window,
            epoch=position.epoch + 1,
            loss=position.tally.mean,
            rate=self._rate,
        )

    @override
    def judged(self, position: Position, trained: float | None, held_out: float | None) -> None:
        is_best = position.best is not None and position.best.epoch == position.epoch
        row = (position.epoch, position.steps, trained, held_out, is_best, round(self._readings), round(self._rate))
        begins = position.epoch == 0 or not self._log_file.exists()
        with self._log_file.open("w" if begins else "a", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([HEADING, row] if begins else [row])
        if self._bar.disable and trained is not None and held_out is not None:
            text = "epoch %d of %d: loss %.4f, held out %.4f%s, %.0f readings a second"
            best = " (best)" if is_best else ""
            log.info(text, position.epoch, self._epochs, trained, held_out, best, self._rate)
        self._since, self._readings = self._clock(), 0.0

    @property
    def _rate(self) -> float:
        return self._readings / max(self._clock() - self._since, 1e-9)


@contextmanager
def watched(epochs: int, log_file: Path) -> Iterator[Watch]:
    """A watch whose bar is shown where somebody looks at it: loss, readings a second, time left."""
    columns = (
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}  loss {task.fields[loss]:.4f}"),
        TextColumn("{task.fields[rate]:,.0f} readings/s"),
        BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        yield Watch(epochs, log_file, bar)
