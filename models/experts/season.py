"""A season of the calendar: what is usual at this time of the day or of the week, whatever the cadence."""

import torch
from torch import Tensor

from models.column import Column, State
from models.experts.sight import Sight

SLOWEST = 0.35  # of what a bin forgets in a cycle, once there were more than two
LONGEST_CYCLE = 1e7  # readings
CLIP = 4.0  # mean absolute residuals: more of one reading is not learnt


class Season:
    """Bins over one cycle, linearly interpolated, on top of a mean whose memory is one cycle.

    With ``u = bins * phase``, ``i = floor(u)``, ``f = u - i`` and ``P`` readings in a cycle:
    ``S = (1 - f) B_i + f B_{i+1}``, ``e = y - mean_P - S``, ``B_i += g (1 - f) e``, ``B_{i+1} += g f e`` with
    ``g = 1 - (1 - max(.35, 1 / (cycle + 1)))^(bins / P)``, so that a cycle teaches the same at every cadence.
    """

    def __init__(self, name: str, bins: int, which: int) -> None:
        """``which``: 0 is the day of `Sight.phase`, 1 the week."""
        self.name = name
        self.bins = bins
        self.which = which

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The bins, the gap of the mean to the value, and the mean absolute residual."""
        return (
            Column(self.name, torch.float32, (channels, self.bins)),
            Column(f"{self.name}_gap", torch.float32, (channels,)),
            Column(f"{self.name}_residual", torch.float32, (channels,)),
        )

    def learn(self, sight: Sight, state: State) -> dict[str, Tensor]:
        """Take in one reading a row."""
        rows, channels = sight.age.shape
        age = sight.age.clamp_min(1)
        readings = (1 / sight.pace[:, self.which]).clamp(1, LONGEST_CYCLE).unsqueeze(1)  # of a cycle, (B, 1)
        gap = (state[f"{self.name}_gap"] - sight.difference) * (1 - torch.maximum(1 / age, 1 / readings))
        index, share = self._place(sight.phase[:, self.which])
        index = index.unsqueeze(1).expand(rows, channels, 2)
        share = share.unsqueeze(1)  # (B, 1, 2)
        bins = state[self.name]
        known = bins.gather(2, index) * share
        residual = -gap - (known[..., 0] + known[..., 1])
        usual = state[f"{self.name}_residual"]
        limit = torch.where(age > readings.clamp_min(16), CLIP * usual, torch.inf)
        residual = torch.minimum(torch.maximum(residual, -limit), limit)
        forgotten = (1 / (age / readings + 1)).clamp_min(SLOWEST)
        rate = 1 - torch.pow(1 - forgotten, self.bins / readings)
        return {
            self.name: bins.scatter_add(2, index, (rate * residual).unsqueeze(-1) * share),
            f"{self.name}_gap": gap,
            f"{self.name}_residual": torch.lerp(usual, residual.abs(), (1 / age).clamp_min(0.012)),
        }

    def offsets(self, sight: Sight, state: State, horizons: Tensor) -> Tensor:
        """What is usual ``horizons`` steps on, less the value. horizons: (K,) -> (B, C, K)."""
        rows, channels = sight.age.shape
        phase = (sight.phase[:, self.which, None] + sight.pace[:, self.which, None] * horizons) % 1.0  # (B, K)
        index, share = self._place(phase)  # (B, K, 2)
        flat = index.flatten(1).unsqueeze(1).expand(rows, channels, -1)
        usual = state[self.name].gather(2, flat).view(rows, channels, -1, 2) * share.unsqueeze(1)
        return state[f"{self.name}_gap"].unsqueeze(-1) + (usual[..., 0] + usual[..., 1])

    def _place(self, phase: Tensor) -> tuple[Tensor, Tensor]:
        """The two bins around a phase, and the share of each. phase: (...) -> (..., 2) int64, (..., 2)."""
        position = phase * self.bins
        below = position.floor()
        share = position - below
        index = below.long() % self.bins
        return torch.stack((index, (index + 1) % self.bins), -1), torch.stack((1 - share, share), -1)
