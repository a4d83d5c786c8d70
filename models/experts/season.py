"""A season of the calendar: what is usual at this time of the day or of the week, whatever the cadence."""

import torch
from torch import Tensor

from models.column import Column, State
from models.experts.sight import Sight

SLOWEST = 0.35  # of what a bin forgets in a cycle, once there were more than two
LONGEST_CYCLE = 1e7  # readings
CLIP = 4.0  # mean absolute residuals, or scales: more of one reading is not learnt
YOUNG = 16.0  # readings before anything is clipped
RESIDUAL_RATE = 0.012
TINY = 1e-12


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
        pace = sight.pace[:, self.which, None].clamp(1 / LONGEST_CYCLE, 1)  # (B, 1)
        gap_rate = torch.maximum(sight.share, pace) * sight.weight
        gap = (state[f"{self.name}_gap"] - sight.difference) * (1 - gap_rate)
        index, share = self._place(sight.phase[:, self.which])
        index = index.unsqueeze(1).expand(rows, channels, 2)
        share = share.unsqueeze(1)  # (B, 1, 2)
        bins = state[self.name]
        known = bins.gather(2, index) * share
        residual = -gap - (known[..., 0] + known[..., 1])
        usual = state[f"{self.name}_residual"]
        cycles = sight.age * pace
        limit = (CLIP * torch.maximum(usual, sight.scale)).masked_fill((cycles <= 1) | (sight.age <= YOUNG), torch.inf)
        residual = torch.clamp(residual, -limit, limit)
        kept = (cycles / (cycles + 1)).clamp(TINY, 1 - SLOWEST)
        rate = -torch.expm1(torch.log(kept) * (self.bins * pace)) * sight.weight
        return {
            self.name: bins.scatter_add(2, index, (rate * residual).unsqueeze(-1) * share),
            f"{self.name}_gap": gap,
            f"{self.name}_residual": torch.lerp(usual, residual.abs(), sight.rate(RESIDUAL_RATE)),
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
        index = torch.stack((below, below + 1), -1).long() % self.bins
        return index, torch.stack((1 - share, share), -1)
