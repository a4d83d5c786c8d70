"""A process that trains `Recall`: ``recall_process.py SNAPSHOT WEIGHTS``, alone or under torchrun.

It says every step on its standard output and waits there for a line, so that a test may kill it in between.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from typing_extensions import override

from models.training.snapshot import Position, SnapshotFile
from models.training.team import assembled
from models.training.trainer import Observer, Settings, Trainer
from tests.models.training.recall import Recall


class Teller(Observer):
    """Says where the training stands."""

    @override
    def stepped(self, position: Position, windows: int, readings: float) -> None:
        print("step", position.steps, position.tally.mean, flush=True)
        if not sys.stdin.closed:
            sys.stdin.readline()

    @override
    def judged(self, position: Position, trained: float | None, held_out: float | None) -> None:
        print("epoch", position.epoch, trained, held_out, flush=True)


def main(snapshot: str, weights: str) -> None:
    torch.set_num_threads(1)
    task = Recall(dropout=0.0)  # processes draw numbers of their own
    settings = Settings(epochs=6, learning_rate=0.02, saved_steps=3, reset_ratio=0.2, masked_readings=2)
    with assembled(torch.device("cpu")) as team:
        Trainer(task, settings, team, SnapshotFile(Path(snapshot)), Teller()).fit()
        if team.is_leader:
            save_file(task.model.state_dict(), weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
