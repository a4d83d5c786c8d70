"""The bands of forecasts beyond the next reading, each made to hold its share, as `band` does with the next one's.

A band waits for its reading in slots, as the experts' forecasts do, and what is learnt is whether the band that was
served has held it: so the share outside is kept by those. At most eight of a horizon wait at once, too few for the
width to swing by what it hears late.
"""

import torch
from torch import Tensor, nn

from models import band
from models.column import Column, State
from models.experts.sight import Sight
from models.experts.slots import Slots


class BandAhead(nn.Module):
    """How much wider the band at each further horizon is than the forecast's own. K of them."""

    def __init__(self, horizons: tuple[int, ...], share_outside: float) -> None:
        super().__init__()
        self.share_outside = share_outside
        self.slots = Slots(horizons, 2, prefix="ahead_")
        self._count = len(horizons)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The logarithm of the widening, and the bands that wait: middle, less the value then, and half width."""
        return (Column("ahead_band", torch.float32, (channels, self._count)), *self.slots.columns(channels))

    def half_band(self, half_width: Tensor, state: State) -> Tensor:
        """Half the width of the band. half_width: (B, C, K), that of the forecast itself -> (B, C, K)."""
        return half_width * torch.exp(state["ahead_band"])

    def learn(self, sight: Sight, offset: Tensor, half_width: Tensor, state: State) -> dict[str, Tensor]:
        """Learn by the reading that is seen, then keep the bands of the forecasts made after it. -> the columns.

        offset: (B, C, K) forecast less the value, half_width: (B, C, K) of the forecast itself; NaN: unknown.
        """
        matured = self.slots.read(sight, state)
        said, half_band = matured.kept.unbind(-1)
        is_outside = (matured.moved - said).abs() > half_band
        is_judged = matured.is_due & sight.is_next.unsqueeze(-1) & (half_band > 0)
        learnt = {"ahead_band": band.learnt(state["ahead_band"], is_outside, is_judged, self.share_outside)}
        served = torch.nan_to_num(torch.stack((offset, self.half_band(half_width, learnt)), -1))
        return {**learnt, **self.slots.write(sight, served, state)}
