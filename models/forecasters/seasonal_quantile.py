"""Quantiles of every hour of the day, learnt online: what operators draw by hand, as a forecaster."""

import torch
from torch import Tensor
from typing_extensions import override

from models.column import Column, State
from models.experts.sight import Sight
from models.forecasters.forecaster import Moment
from models.forecasters.one_step import OneStep

HOURS = 24
LEVELS = (0.1, 0.5, 0.9)
SPREADS = 2.563  # from the first to the last of these levels, in standard deviations of a normal distribution
RATE = 0.05  # of a bin, per reading in it, once there were more than 20
ROUNDING = 1e-3  # hours


class SeasonalQuantile(OneStep):
    """Forecasts the median of the hour of the next reading, with a spread from the outer quantiles of that hour.

    ``q += r w (level - [x < q])`` with ``w`` the distance of the outer quantiles, at least the running scale, and
    ``r = max(RATE, 1 / readings of the hour)``: stochastic approximation of a quantile (H. Robbins, S. Monro, 1951). An
    hour that was never seen forecasts the last value.
    """

    freedom = 5.0
    levels: Tensor  # (3,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(LEVELS, dtype=torch.float64), persistent=False)

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        columns = (
            Column("quantiles", torch.float64, (channels, HOURS, len(LEVELS))),
            Column("quantile_counts", torch.float32, (channels, HOURS)),
        )
        return {"quantiles": columns, **super().parts(channels)}

    @override
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        sight = Sight.of(*moment, state)
        now = _hour(sight.phase[:, 0])
        counts, quantiles = _at(state["quantile_counts"].unsqueeze(-1), now)[..., 0], _at(state["quantiles"], now)
        value, scale = sight.last.unsqueeze(-1), sight.scale.double().unsqueeze(-1)
        width = torch.maximum(quantiles[..., 2:] - quantiles[..., :1], scale)
        rate = (counts + 1).reciprocal().clamp_min(RATE).double().unsqueeze(-1)
        moved = quantiles + rate * width * (self.levels - (value < quantiles).double())
        begun = value + scale * (self.levels - 0.5) * SPREADS  # as wide as the scale says, before anything is known
        learnt = torch.where((counts == 0).unsqueeze(-1), begun, moved.cummax(-1).values)
        here = _is_hour(now).unsqueeze(1) & sight.present.unsqueeze(-1)  # (B, C, HOURS)
        after = {
            "quantiles": torch.where(here.unsqueeze(-1), learnt.unsqueeze(2), state["quantiles"]),
            "quantile_counts": state["quantile_counts"] + here,
        }
        return {**after, **self.said(*self._forecast(sight, after), moment, state)}

    def _forecast(self, sight: Sight, state: State) -> tuple[Tensor, Tensor]:
        """Location and scale. -> (B, C) each."""
        then = _hour((sight.phase[:, 0] + sight.pace[:, 0]) % 1.0)
        quantiles = _at(state["quantiles"], then)
        is_unknown = _at(state["quantile_counts"].unsqueeze(-1), then)[..., 0] == 0
        location = (quantiles[..., 1] - sight.last) / sight.scale
        spread = (quantiles[..., 2] - quantiles[..., 0]) / (SPREADS * sight.scale)
        return location.masked_fill(is_unknown, 0.0), spread.masked_fill(is_unknown, 1.0)


def _hour(phase: Tensor) -> Tensor:
    """The hour of a phase of the day, of one that rounding put just before it as well. (B,) -> (B,) int64."""
    return (phase * HOURS + ROUNDING).long() % HOURS


def _is_hour(hour: Tensor) -> Tensor:
    """(B,) -> (B, HOURS)."""
    return torch.arange(HOURS, device=hour.device) == hour.unsqueeze(1)


def _at(bins: Tensor, hour: Tensor) -> Tensor:
    """What the bins of this hour hold. bins: (B, C, HOURS, K), hour: (B,) -> (B, C, K)."""
    rows, channels, _, width = bins.shape
    return bins.gather(2, hour.view(rows, 1, 1, 1).expand(rows, channels, 1, width)).squeeze(2)
