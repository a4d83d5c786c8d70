"""The recurrent forecaster: a cell over scaled differences, one set of weights for all series and channels."""

import math

import torch
from torch import Tensor
from typing_extensions import override

from models import scaler
from models.cells import CELLS
from models.column import Column, State
from models.forecasters.forecaster import Forecaster, Moment
from models.heads import StudentT, StudentTHead, squash

CALENDAR = 4  # sine and cosine of the time of day and of the week
FEATURES = 9 + CALENDAR


class RecurrentForecaster(Forecaster):
    """Forecasts the next difference of every channel, in units of its running scale, as a Student-t distribution.

    Every channel runs on the same weights; what a channel knows of the others is the mean of their differences and of
    their sizes, so that permuted channels permute the forecasts.
    """

    horizons = (1,)

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        self.cell = CELLS[cell](FEATURES, hidden)
        self.head = StudentTHead(hidden)

    @override
    def at(self, horizons: tuple[int, ...]) -> "RecurrentForecaster":
        if horizons != self.horizons:
            raise ValueError(f"horizons: Expected {self.horizons} of a recurrent forecaster, got {horizons}")
        return self

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        shapes = self.cell.state_shapes.items()
        hidden = tuple(Column(name, torch.float32, (channels, *shape)) for name, shape in shapes)
        return {"cell": hidden, "forecast": (Column("forecast", torch.float32, (channels, 3)),)}

    @override
    def ahead(self, state: State) -> StudentT:
        return self.head.distribution(state["forecast"].unsqueeze(-2))

    @override
    def half_life_steps(self) -> float:
        return self.cell.half_life_steps()

    @override
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        rows, channels = moment.difference.shape
        before = {name: state[name].flatten(0, 1) for name in self.cell.state_shapes}
        is_stepped = moment.present.any(1)
        y, hidden = self.cell.step(
            self.features(moment, state).flatten(0, 1),
            before,
            moment.steps.repeat_interleave(channels),
            is_stepped.repeat_interleave(channels),
        )
        after = {name: column.view(rows, channels, *column.shape[1:]) for name, column in hidden.items()}
        forecast = self.head(y).view(rows, channels, -1)
        after["forecast"] = torch.where(is_stepped[:, None, None], forecast, state["forecast"])
        return after

    def scan(
        self, features: Tensor, state: State, elapsed: Tensor, is_stepped: Tensor
    ) -> tuple[StudentT, dict[str, Tensor]]:
        """Readings over time, to train with: what `advance` forecasts after each, but for the last bits.

        features: (T, B, C, FEATURES), elapsed, is_stepped: (T, B) -> (T, B, C) each, state of the cell after the last.
        """
        steps, rows, channels, _ = features.shape
        before = {name: state[name].flatten(0, 1) for name in self.cell.state_shapes}
        of_each = (column.repeat_interleave(channels, 1) for column in (elapsed, is_stepped))
        y, hidden = self.cell.scan(features.flatten(1, 2), before, *of_each)
        after = {name: column.view(rows, channels, *column.shape[1:]) for name, column in hidden.items()}
        return self.head.distribution(self.head(y.flatten(0, 1)).view(steps, rows, channels, -1)), after

    def features(self, moment: Moment, state: State) -> Tensor:
        """What the cell is fed of a reading whose scale, level and interval ``state`` holds. -> (B, C, FEATURES)."""
        rows, channels = moment.difference.shape
        scale = scaler.floored_scale(state)
        moves = squash(torch.stack((moment.difference, state["near_gap"], state["far_gap"]), -1) / scale.unsqueeze(-1))
        weight = moment.present.float()
        weighted = moves[..., :1] * weight.unsqueeze(-1)
        of_all = torch.cat((weighted, weighted.abs()), -1).sum(1) / weight.sum(1, keepdim=True).clamp_min(1)  # (B, 2)
        of_channel = torch.stack(
            (
                torch.log(state["slow_scale"].clamp_min(scaler.TINY) / scale),
                torch.log1p(state["age"]) / 8,
                1 - weight,
            ),
            dim=-1,
        )
        angle = moment.calendar * (2 * math.pi)
        of_row = torch.cat((torch.log1p(moment.steps).unsqueeze(-1), of_all, torch.sin(angle), torch.cos(angle)), -1)
        return torch.cat((moves, of_channel, of_row.unsqueeze(1).expand(rows, channels, -1)), -1)
