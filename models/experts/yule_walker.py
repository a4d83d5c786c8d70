"""An autoregression of order eight on scaled differences, solved from running autocovariances."""

import torch
from torch import Tensor

from models.column import Column, State
from models.experts.dot import dot
from models.experts.sight import Sight

ORDER = 8
CLIP = 8.0  # scales
FORGETTING = 0.002
FARTHEST = 16  # steps iterated: what a stationary difference is expected to be beyond is near zero


class YuleWalker:
    """``r_k += max(1 / n, .002) (z_t z_{t-k} - r_k)`` with ``z = clip(difference / scale)``, solved by Levinson-Durbin.

    Stationary by construction, so that the iterated forecast of a further horizon cannot explode.
    """

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The last scaled differences, the newest first, and the autocovariances from lag 0 on."""
        return (
            Column("lags", torch.float32, (channels, ORDER)),
            Column("autocovariance", torch.float32, (channels, ORDER + 1)),
        )

    def learn(self, sight: Sight, state: State) -> dict[str, Tensor]:
        """Take in one reading a row."""
        z = (sight.difference / sight.scale).clamp(-CLIP, CLIP).unsqueeze(-1)
        window = torch.cat((z, state["lags"]), -1)  # (B, C, 9)
        rate = (1 / sight.age.clamp_min(1)).clamp_min(FORGETTING).unsqueeze(-1)
        return {
            "lags": window[..., :ORDER],
            "autocovariance": torch.lerp(state["autocovariance"], z * window, rate),
        }

    def offsets(self, sight: Sight, state: State, horizons: tuple[int, ...]) -> Tensor:
        """The iterated forecast at each horizon, less the value. -> (B, C, K)."""
        coefficients = self._solve(state["autocovariance"], sight.age)
        window = state["lags"]
        total = torch.zeros_like(sight.scale)
        sums = []
        for _ in range(min(max(horizons), FARTHEST)):
            z = dot(coefficients, window)
            total = total + z
            sums.append(total)
            window = torch.cat((z.unsqueeze(-1), window[..., :-1]), -1)
        return torch.stack([sums[min(h, FARTHEST) - 1] for h in horizons], -1) * sight.scale.unsqueeze(-1)

    def _solve(self, autocovariance: Tensor, age: Tensor) -> Tensor:
        """Levinson-Durbin with a ridge that fades with age. (B, C, 9), (B, C) -> (B, C, 8)."""
        error = autocovariance[..., :1] * 1.001 + (5 / age.clamp(1, 500)).unsqueeze(-1)
        solved = autocovariance[..., 1:2] / error
        error = error * (1 - solved * solved)
        for k in range(1, ORDER):
            backwards = autocovariance[..., 1 : k + 1].flip(-1)
            reflection = (autocovariance[..., k + 1] - dot(solved, backwards)).unsqueeze(-1) / error
            reflection = reflection.clamp(-0.999, 0.999)  # exact arithmetic never needs it
            solved = torch.cat((solved - reflection * solved.flip(-1), reflection), -1)
            error = error * (1 - reflection * reflection)
        return solved
