"""The port of every forecaster: what the detector asks of one."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.bank import Tier
from models.heads import StudentT


class Moment(NamedTuple):
    """What a forecaster learns from one reading a row."""

    difference: Tensor  # (B, C) float32 to the judged value before, 0 where absent
    present: Tensor  # (B, C)
    steps: Tensor  # (B,) elapsed time in the series' own intervals
    calendar: Tensor  # (B, 2) phase of the day and of the week, local time, in [0, 1)


class Forecaster(nn.Module, ABC):
    """Forecasts every channel of a series at some horizons, from the state that it keeps of it.

    Forecasts are Student-t distributions of the change from the last value, in units of the running scale that
    `scaler.floored_scale` gives for the same state. Permuted channels permute the forecasts, unless the weights were
    trained for one vector of channels.
    """

    horizons: tuple[int, ...]  # in steps; the first one is 1
    experts: tuple[str, ...] = ()  # whom its forecasts are made of, by name
    has_season = False  # whether it knows what is usual at a time of the day
    tier = Tier.COMPACT  # how much is remembered of a channel, by it and by what stands on it

    @abstractmethod
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        """What it remembers of a series, by what remembers it. Column ``forecast`` is filled by `advance`."""

    def columns(self, channels: int) -> tuple[Column, ...]:
        """Everything it remembers of a series."""
        return tuple(column for part in self.parts(channels).values() for column in part)

    @abstractmethod
    def at(self, horizons: tuple[int, ...]) -> "Forecaster":
        """The forecaster of these weights at other horizons.

        Raises:
            ValueError: it cannot forecast so far, or the first one is not 1.
        """

    @abstractmethod
    def ahead(self, state: State) -> StudentT:
        """The forecasts made after the last reading. -> (B, C, K) each."""

    @abstractmethod
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        """Take in a reading, whose scale, level and interval ``state`` holds already, and forecast. -> its columns."""

    def trust(self, state: State) -> Tensor:
        """What each of the experts has in the forecast of the next reading. -> (B, C, E), sum 1 where there are any.

        About so, where the last reading lacked the channel. B a multiple of 32.
        """
        return state["age"].new_zeros(*state["age"].shape, 0)

    def half_life_steps(self) -> float:
        """After how long without a reading half of what its cell remembers has faded; infinite where none does."""
        return math.inf

    def surprise(self, values: Tensor, by_forecast: Tensor, state: State) -> Tensor:  # noqa: ARG002
        """How surprising a reading is before it is learnt, as -log10 p, by whatever rule the forecaster has. -> (B, C).

        values: (B, C) float64, by_forecast: (B, C), the surprise by the distance from the forecast: the rule of most.
        """
        return by_forecast

    def calm(self, forecast: StudentT, scale: Tensor, state: State) -> StudentT:  # noqa: ARG002
        """The forecast of the next reading as one that a few surprising readings have not unsettled. (B, C) each.

        scale: (B, C), its unit. A reading is judged by it: who expects anything after the first surprise finds no
        incident.
        """
        return forecast

    def usual(self, state: State) -> Tensor:
        """What the season of the day expects of the next reading, less the last value; 0 without one. -> (B, C)."""
        return torch.zeros_like(state["scale"])

    def forecast(self, state: State) -> StudentT:
        """The forecast of the next reading. -> (B, C) each."""
        location, log_scale, freedom = self.ahead(state)
        return StudentT(location[..., 0], log_scale[..., 0], freedom[..., 0])
