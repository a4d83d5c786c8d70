"""What forecasters of the next reading alone have in common."""

import torch
from torch import Tensor
from typing_extensions import override

from models.column import Column, State
from models.forecasters.forecaster import Forecaster, Moment
from models.heads import StudentT

SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE = -6.0, 7.0
FARTHEST = 1e12  # scales: beyond, single precision would come to its end
UNKNOWN = torch.tensor([0.0, 0.0, 5.0])  # before the first reading


class OneStep(Forecaster):
    """A forecaster without weights that looks one step ahead, and keeps what it said in ``forecast``."""

    horizons = (1,)
    freedom: float

    @override
    def at(self, horizons: tuple[int, ...]) -> "OneStep":
        if horizons != self.horizons:
            raise ValueError(f"horizons: Expected {self.horizons} of this forecaster, got {horizons}")
        return self

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        return {"forecast": (Column("forecast", torch.float32, (channels, 3), initial=UNKNOWN),)}

    @override
    def ahead(self, state: State) -> StudentT:
        return StudentT(*state["forecast"].unsqueeze(-2).unbind(-1))

    def said(self, location: Tensor, scale: Tensor, moment: Moment, state: State) -> dict[str, Tensor]:
        """The column ``forecast`` after a reading. location, scale: (B, C) float64, in units of the running scale."""
        forecast = (
            location.clamp(-FARTHEST, FARTHEST),
            scale.log().clamp(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE),
            torch.full_like(location, self.freedom),
        )
        is_present = moment.present.unsqueeze(-1)
        return {"forecast": torch.where(is_present, torch.stack(forecast, -1).float(), state["forecast"])}
