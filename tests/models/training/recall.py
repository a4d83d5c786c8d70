"""A task that only memory solves: a number is shown once, and asked for at every reading after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from models.training.task import Carried, Loss, Shard, Task, Walk

ROWS = 8


class Piece(NamedTuple):
    """One window: what is shown, and what is asked for."""

    x: Tensor  # (T, B, 2) the number at the first reading of a walk, and whether it is that
    y: Tensor  # (T, B)


@dataclass(frozen=True)
class Pieces(Sequence[Piece]):
    """A walk, cut into windows."""

    whole: Piece
    length: int

    @override
    def __len__(self) -> int:
        return len(self.whole.y) // self.length

    @override
    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        span = slice(index * self.length, (index + 1) * self.length)
        return Piece(*(tensor[span] for tensor in self.whole))


class Elman(nn.Module):
    """The smallest network that remembers."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.input = nn.Linear(2, hidden)
        self.recurrent = nn.Linear(hidden, hidden, bias=False)
        self.output = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, 1))

    @override
    def forward(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """x: (T, B, 2), hidden: (B, H) -> (T, B), hidden after the last."""
        outputs = []
        for moment in x:
            hidden = torch.tanh(self.input(moment) + self.recurrent(hidden))
            outputs.append(self.output(hidden).squeeze(-1))
        return torch.stack(outputs), hidden


class Recall(Task[Piece]):
    """Mean squared error of what is recalled."""

    def __init__(self, *, dropout: float = 0.1, windows: int = 4, length: int = 4, seed: int = 1) -> None:
        torch.manual_seed(seed)
        self.model = Elman(8, dropout)
        self.windows, self.length = windows, length
        self.masks: list[list[int]] = []  # that `loss` was called with in training
        self.factor = 1.0  # of the loss

    @property
    @override
    def identity(self) -> dict[str, Any]:
        return {"windows": self.windows, "length": self.length}

    @override
    def walk(self, epoch: int, shard: Shard) -> Walk[Piece]:
        number = torch.from_numpy(np.random.default_rng(epoch).uniform(-1, 1, ROWS)).float()[shard.of(ROWS)]
        steps = self.windows * self.length
        x = torch.zeros(steps, len(number), 2)
        x[0] = torch.stack((number, torch.ones_like(number)), -1)
        return Pieces(Piece(x, number.expand(steps, -1)), self.length)

    @override
    def held_out(self, shard: Shard) -> Sequence[Walk[Piece]]:
        return [self.walk(10_000 + number, shard) for number in range(2)]

    @override
    def fresh(self, window: Piece) -> dict[str, Tensor]:
        return {"hidden": torch.zeros(window.y.shape[1], 8)}

    @override
    def loss(self, window: Piece, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        if self.model.training:
            self.masks.append(masked.tolist())
        recalled, hidden = self.model(window.x, carried["hidden"])
        counts = torch.arange(len(window.y)).unsqueeze(1) >= masked
        errors = (recalled - window.y).square() * counts
        return Loss(errors.sum() * self.factor, counts.sum(), torch.tensor(window.y.numel())), {"hidden": hidden}
