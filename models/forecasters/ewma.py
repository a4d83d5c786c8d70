"""The exponentially weighted mean and variance of a channel: the classic control chart, as a forecaster."""

import torch
from torch import Tensor
from typing_extensions import override

from models import scaler
from models.column import Column, State
from models.forecasters.forecaster import Moment
from models.forecasters.one_step import OneStep

RATE = 1 / 32  # of mean and variance (S. W. Roberts, 1959, advises 1/5 to 1/4 for charts of few points)


class Ewma(OneStep):
    """Judges by ``z = (x - m) / s``, then learns: ``e = x - m``, ``m += r e``, ``s^2 = (1 - r) (s^2 + r e^2)``.

    With ``r = max(RATE, 1 / readings)``, so that both begin as plain means (T. Finch, *Incremental calculation of
    weighted mean and variance*, 2009). An outlier counts in full, as everywhere in the literature.
    """

    freedom = 60.0  # nearly the normal distribution that a z-score presumes

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        columns = (
            Column("ewma_gap", torch.float64, (channels,)),  # mean - last value
            Column("ewma_variance", torch.float64, (channels,)),
        )
        return {"ewma": columns, **super().parts(channels)}

    @override
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        age = state["age"].double()
        rate = age.clamp_min(1).reciprocal().clamp_min(RATE)
        error = (moment.difference - state["ewma_gap"]).masked_fill(age <= 1, 0.0)
        gap = torch.where(moment.present, (rate - 1) * error, state["ewma_gap"])
        learnt = (1 - rate) * (state["ewma_variance"] + rate * error.square())
        variance = torch.where(moment.present, learnt, state["ewma_variance"])
        scale = scaler.floored_scale(state)
        spread = (variance.sqrt() / scale).masked_fill(age <= 1, 1.0)
        return {"ewma_gap": gap, "ewma_variance": variance, **self.said(gap / scale, spread, moment, state)}
