"""The watch: what people read of a training is what happened."""

import csv
import logging
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from models.training.snapshot import Best, Position, Tally
from streamer.training.watch import Watch


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock, tmp_path: Path) -> Watch:
    """A watch over two epochs, with nobody at a terminal."""
    return Watch(2, tmp_path / "log.csv", Progress(console=Console(quiet=True), disable=True), clock)


def rows(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_epoch_is_told_with_its_losses_and_its_pace(
    watch: Watch, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch.judged(Position(best=Best(0, 2.0)), None, 2.0)

    watch.stepped(Position(window=1, steps=1, tally=Tally(3.0, 2.0)), 2, 600)
    clock.now += 4
    watch.stepped(Position(window=2, steps=2, tally=Tally(6.0, 4.0)), 2, 600)
    watch.judged(Position(epoch=1, steps=2, best=Best(1, 1.25)), 1.5, 1.25)

    assert rows(tmp_path)[1] == {
        "epoch": "1", "steps": "2", "trained_loss": "1.5", "held_out_loss": "1.25", "is_best": "True",
        "readings": "1200", "readings_per_second": "300",
    }  # fmt: skip
    assert caplog.messages == ["epoch 1 of 2: loss 1.5000, held out 1.2500 (best), 300 readings a second"]


def test_every_epoch_has_a_pace_of_its_own(watch: Watch, clock: Clock, tmp_path: Path) -> None:
    for epoch, seconds in ((1, 2), (2, 10)):
        clock.now += seconds
        watch.stepped(Position(epoch=epoch - 1, window=1, steps=epoch), 1, 100)
        watch.judged(Position(epoch=epoch, steps=epoch, best=Best(1, 1.0)), 1.5, 1.25)

    assert [row["readings_per_second"] for row in rows(tmp_path)] == ["50", "10"]
    assert [row["is_best"] for row in rows(tmp_path)] == ["True", "False"]


def test_a_log_goes_on_where_another_process_left_it(clock: Clock, tmp_path: Path) -> None:
    for epoch in (1, 2):
        watch = Watch(2, tmp_path / "log.csv", Progress(disable=True), clock)
        watch.judged(Position(epoch=epoch), 1.5, None)

    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2"]


def test_another_training_begins_the_log_anew(clock: Clock, tmp_path: Path) -> None:
    for epoch in (0, 1, 0, 1):
        Watch(2, tmp_path / "log.csv", Progress(disable=True), clock).judged(Position(epoch=epoch), 1.5, None)

    assert [row["epoch"] for row in rows(tmp_path)] == ["0", "1"]


def test_at_a_terminal_a_bar_shows_how_far_it_is(clock: Clock, tmp_path: Path) -> None:
    bar = Progress(console=Console(quiet=True))
    watch = Watch(5, tmp_path / "log.csv", bar, clock)

    clock.now += 2
    watch.stepped(Position(epoch=1, window=3, tally=Tally(3.0, 2.0)), 4, 600)

    (task,) = bar.tasks
    assert (task.completed, task.total) == (7, 20)
    assert task.fields == {"epoch": 2, "epochs": 5, "loss": 1.5, "rate": 300.0}
