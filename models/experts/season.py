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
MIDST = 0.5  # of a reading: how many cycles there were before it is not for rounding to decide
LEAST_SHARE = 0.01  # of a reading, for a bin to be taught by it
UNLEARNT = 0.1  # of what a bin held before, after its first cycle


class Season:
    """Bins over one cycle, linearly interpolated, on top of a mean whose memory is one cycle.

    With ``u = bins * phase``, ``i = floor(u)``, ``f = u - i``, ``P`` readings in a cycle and ``n`` cycles before:
    ``S = (1 - f) B_i + f B_{i+1}``, ``e = y - mean_P - S``, ``B_i += g (1 - f) e``, ``B_{i+1} += g f e`` with
    ``g = 1 - min(max(n / (n + 1), .1), .65)^(bins / P)``, so that a cycle teaches the same at every cadence.

    In the first cycle the mean is that of a part of it: what it moves by is taken from the bins that were learnt, so
    that they stay where they are. What no cycle has come to yet is taken to be as the mean.
    """

    def __init__(self, name: str, bins: int, which: int) -> None:
        """``which``: 0 is the day of `Sight.phase`, 1 the week."""
        self.name = name
        self.bins = bins
        self.which = which

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The bins, NaN where none was learnt, the gap of the mean to the value, and the mean absolute residual."""
        return (
            Column(self.name, torch.float32, (channels, self.bins), initial=float("nan")),
            Column(f"{self.name}_gap", torch.float32, (channels,)),
            Column(f"{self.name}_residual", torch.float32, (channels,)),
        )

    def learn(self, sight: Sight, state: State) -> dict[str, Tensor]:
        """Take in one reading a row."""
        rows, channels = sight.age.shape
        pace = self._pace(sight)
        before = state[f"{self.name}_gap"] - sight.difference
        gap = before * (1 - torch.maximum(sight.share, pace) * sight.weight)
        cycles = ((sight.age - MIDST) * pace).floor()
        is_first = cycles < 1
        bins = state[self.name] - (gap - before).masked_fill(~is_first, 0.0).unsqueeze(-1)
        index, share = self._place(sight.phase[:, self.which])
        index = index.unsqueeze(1).expand(rows, channels, 2)
        share = share.unsqueeze(1)  # (B, 1, 2)
        both = bins.gather(2, index)
        held = both.nan_to_num(nan=0.0)
        known = held * share
        residual = -gap - (known[..., 0] + known[..., 1])
        usual = state[f"{self.name}_residual"]
        limit = (CLIP * torch.maximum(usual, sight.scale)).masked_fill(is_first | (sight.age <= YOUNG), torch.inf)
        residual = torch.clamp(residual, -limit, limit)
        kept = (cycles / (cycles + 1)).clamp(UNLEARNT, 1 - SLOWEST)
        rate = -torch.expm1(torch.log(kept) * (self.bins * pace)) * sight.weight
        is_taught = (share > LEAST_SHARE) & sight.present.unsqueeze(-1)
        learnt = torch.where(is_taught, held + (rate * residual).unsqueeze(-1) * share, both)
        return {
            self.name: bins.scatter(2, index, learnt),
            f"{self.name}_gap": gap,
            f"{self.name}_residual": torch.lerp(usual, residual.abs(), sight.rate(RESIDUAL_RATE)),
        }

    def seasonal(self, sight: Sight, state: State, from_now: Tensor) -> tuple[Tensor, Tensor]:
        """What is usual at each horizon, less the value, and its change over the horizon. -> (B, C, K) twice.

        from_now: (1 + K,) steps, none and the horizons. As the mean, and no change, where no cycle has come to it yet.
        """
        rows, channels = sight.age.shape
        phase = (sight.phase[:, self.which, None] + sight.pace[:, self.which, None] * from_now) % 1.0  # (B, 1 + K)
        index, share = self._place(phase)  # (B, 1 + K, 2)
        flat = index.flatten(1).unsqueeze(1).expand(rows, channels, -1)
        parts = state[self.name].gather(2, flat).nan_to_num(nan=0.0).view(rows, channels, -1, 2) * share.unsqueeze(1)
        usual = parts[..., 0] + parts[..., 1]
        now, then = usual[..., :1], usual[..., 1:]
        is_new = ((sight.age - MIDST).unsqueeze(-1) + from_now[1:]) * self._pace(sight).unsqueeze(-1) < 1
        return (
            state[f"{self.name}_gap"].unsqueeze(-1) + then.masked_fill(is_new, 0.0),
            (then - now).masked_fill(is_new, 0.0),
        )

    def _pace(self, sight: Sight) -> Tensor:
        """The share of a cycle that one step takes. -> (B, 1)."""
        return sight.pace[:, self.which, None].clamp(1 / LONGEST_CYCLE, 1)

    def _place(self, phase: Tensor) -> tuple[Tensor, Tensor]:
        """The two bins around a phase, and the share of each. phase: (...) -> (..., 2) int64, (..., 2)."""
        position = phase * self.bins
        below = position.floor()
        share = position - below
        index = torch.stack((below, below + 1), -1).long() % self.bins
        return index, torch.stack((1 - share, share), -1)
