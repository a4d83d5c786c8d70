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
    """``r_k += max(1 / n, .002) (z_t z_{t-k} - r_k)`` with ``z = clip(difference / scale)``, solved order by order.

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
        return {
            "lags": torch.where(sight.present.unsqueeze(-1), window[..., :ORDER], state["lags"]),
            "autocovariance": torch.lerp(state["autocovariance"], z * window, sight.rate(FORGETTING).unsqueeze(-1)),
        }

    def offsets(self, sight: Sight, state: State, horizons: tuple[int, ...]) -> Tensor:
        """The iterated forecast at each horizon, less the value. -> (B, C, K)."""
        coefficients = _solve(state["autocovariance"], sight.age)
        window = state["lags"]
        moves = []
        for _ in range(min(max(horizons), FARTHEST)):
            moves.append(dot(coefficients, window).unsqueeze(-1))
            window = torch.cat((moves[-1], window[..., :-1]), -1)
        far = torch.cat(moves, -1).cumsum(-1)
        return torch.stack([far[..., min(h, FARTHEST) - 1] for h in horizons], -1) * sight.scale.unsqueeze(-1)


def _solve(autocovariance: Tensor, age: Tensor) -> Tensor:
    """Schur's recursion for the reflections, Levinson's for the coefficients, with a ridge that fades with age.

    (B, C, 9), (B, C) -> (B, C, 8).
    """
    r = autocovariance.movedim(-1, 0)
    power = r[:1] * 1.001 + 5 / age.clamp(1, 500)
    ahead, behind = torch.cat((power, r[1:ORDER])), r[1:].contiguous()
    solved = r[:0]
    for _ in range(ORDER):
        reflection = (behind[:1] / ahead[:1]).clamp(-0.999, 0.999)  # exact arithmetic never needs the clamp
        solved = torch.cat((torch.addcmul(solved, reflection, solved.flip(0), value=-1), reflection))
        ahead, behind = (
            torch.addcmul(ahead[:-1], reflection, behind[:-1], value=-1),
            torch.addcmul(behind[1:], reflection, ahead[1:], value=-1),
        )
    return solved.movedim(0, -1)
