"""The recurrent forecaster: a cell over scaled differences, one set of weights for all series and channels."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models import scaler
from models.cells import CELLS
from models.column import Column, State
from models.heads import StudentT, StudentTHead

CALENDAR = 4  # sine and cosine of the time of day and of the week
FEATURES = 9 + CALENDAR
SATURATION = 8.0  # scales beyond which the network sees little more: an outlier must not poison the hidden state


class Moment(NamedTuple):
    """What the forecaster learns from one reading a row."""

    difference: Tensor  # (B, C) float32 to the judged value before, 0 where absent
    present: Tensor  # (B, C)
    steps: Tensor  # (B,) elapsed time in the series' own intervals
    calendar: Tensor  # (B, CALENDAR)


class RecurrentForecaster(nn.Module):
    """Forecasts the next difference of every channel, in units of its running scale, as a Student-t distribution.

    Every channel runs on the same weights; what a channel knows of the others is the mean of their differences and of
    their sizes, so that permuted channels permute the forecasts.
    """

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        self.cell = CELLS[cell](FEATURES, hidden)
        self.head = StudentTHead(hidden)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The cell's state and the forecast of the next reading, per channel."""
        shapes = self.cell.state_shapes.items()
        hidden = tuple(Column(name, torch.float32, (channels, *shape)) for name, shape in shapes)
        return (*hidden, Column("forecast", torch.float32, (channels, 3)))

    def forecast(self, state: State) -> StudentT:
        """The forecast made after the reading before this one. -> (B, C) each, in scales."""
        return self.head.distribution(state["forecast"])

    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        """Take in a reading, whose scale and level ``state`` holds already, and forecast the next.

        A row with no channel present only lets the time pass.
        """
        rows, channels = moment.difference.shape
        before = {name: state[name].flatten(0, 1) for name in self.cell.state_shapes}
        is_stepped = moment.present.any(1)
        y, hidden = self.cell.step(
            self._features(moment, state).flatten(0, 1),
            before,
            moment.steps.repeat_interleave(channels),
            is_stepped.repeat_interleave(channels),
        )
        after = {name: column.view(rows, channels, *column.shape[1:]) for name, column in hidden.items()}
        forecast = self.head(y).view(rows, channels, -1)
        after["forecast"] = torch.where(is_stepped[:, None, None], forecast, state["forecast"])
        return after

    def _features(self, moment: Moment, state: State) -> Tensor:
        """-> (B, C, FEATURES)."""
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
        of_row = torch.cat((torch.log1p(moment.steps).unsqueeze(-1), of_all, moment.calendar), -1)
        return torch.cat((moves, of_channel, of_row.unsqueeze(1).expand(rows, channels, -1)), -1)


def squash(x: Tensor) -> Tensor:
    """``x / (1 + |x| / SATURATION)``: near the identity for small x, bounded by the saturation."""
    return x / (1 + x.abs() / SATURATION)
