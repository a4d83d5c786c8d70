"""Direct linear forecasts, one for each horizon, learnt by recursive least squares."""

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.dot import dot, total
from models.experts.slots import Matured

FORGETTING = 0.998
LARGEST_TRACE = 8.0
CLIP = 8.0


class Direct(nn.Module):
    """Recursive least squares on clipped inputs in units of ``scale * horizon^.4``, pulled towards "no change".

    ``q = P x``, ``D = lambda + x q``, ``W += q (target - W x) / D``, ``P = (P - q q' / D) min(1 / lambda, 8 / tr P)``.

    P is its own mirror image: its upper triangle is what is kept, row by row. In single precision it may stop being
    positive, and W explodes: then ``x q < 0``, and P begins anew.
    """

    above: Tensor  # (N,) the row in P of each number of the triangle
    beside: Tensor  # (N,) its column
    place: Tensor  # (D * D,) where in the triangle each number of P is
    diagonal: Tensor  # (D,) the same of its diagonal
    identity: Tensor  # (N,) float32

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        above, beside = torch.triu_indices(inputs, inputs)
        place = torch.empty(inputs, inputs, dtype=torch.int64)
        place[above, beside] = place[beside, above] = torch.arange(len(above))
        self.register_buffer("above", above, persistent=False)
        self.register_buffer("beside", beside, persistent=False)
        self.register_buffer("place", place.flatten(), persistent=False)
        self.register_buffer("diagonal", place.diagonal().clone(), persistent=False)
        self.register_buffer("identity", (above == beside).float(), persistent=False)

    def columns(self, channels: int, horizons: int) -> tuple[Column, ...]:
        """Weights and covariance, a horizon each."""
        shape = (channels, horizons)
        triangle = (*shape, len(self.identity))
        return (
            Column("direct_weights", torch.float32, (*shape, self.inputs)),
            Column("direct_covariance", torch.float32, triangle, initial=self.identity.cpu(), version=2),
        )

    def learn(self, matured: Matured, is_learnt: Tensor, state: State) -> dict[str, Tensor]:
        """Learn from what was kept: the inputs, and the unit behind them. is_learnt: (B, C, K)."""
        x, unit = matured.kept[..., : self.inputs], matured.kept[..., self.inputs]
        target = (matured.moved / unit.clamp_min(1e-30)).clamp(-CLIP, CLIP)
        weights, covariance = state["direct_weights"], state["direct_covariance"]
        q = dot(self.square(covariance), x.unsqueeze(-2))  # (B, C, K, D)
        excess = dot(q, x)
        is_sound = excess >= 0  # what P cannot be but by rounding, where inputs say nearly the same
        is_learnt = is_learnt & is_sound
        gain = (q / (FORGETTING + excess).unsqueeze(-1)).masked_fill(~is_learnt.unsqueeze(-1), 0.0)
        learnt = weights + gain * (target - dot(weights, x)).unsqueeze(-1)
        smaller = covariance - gain.index_select(-1, self.above) * q.index_select(-1, self.beside)
        trace = total(smaller.index_select(-1, self.diagonal))
        growth = (LARGEST_TRACE / trace).clamp_max(1 / FORGETTING).masked_fill(~is_learnt, 1.0)
        return {
            "direct_weights": learnt,
            "direct_covariance": torch.where(is_sound.unsqueeze(-1), smaller * growth.unsqueeze(-1), self.identity),
        }

    def square(self, covariance: Tensor) -> Tensor:
        """P from its triangle. (..., N) -> (..., D, D)."""
        return covariance.index_select(-1, self.place).view(*covariance.shape[:-1], self.inputs, self.inputs)

    def offsets(self, x: Tensor, unit: Tensor, state: State) -> Tensor:
        """The forecast, less the value. x: (B, C, K, D), unit: (B, C, K) -> (B, C, K)."""
        return dot(state["direct_weights"], x) * unit
