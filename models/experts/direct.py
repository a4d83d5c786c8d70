"""Direct linear forecasts, one for each horizon, learnt by recursive least squares."""

import torch
from torch import Tensor

from models.column import Column, State
from models.experts.dot import dot, total
from models.experts.slots import Matured

FORGETTING = 0.998
LARGEST_TRACE = 8.0
CLIP = 8.0


class Direct:
    """Recursive least squares on clipped inputs in units of ``scale * horizon^.4``, pulled towards "no change".

    ``q = P x``, ``D = lambda + x q``, ``W += q (target - W x) / D``, ``P = (P - q q' / D) min(1 / lambda, 8 / tr P)``.

    In single precision P may stop being positive, and W explodes: then ``x q < 0``, and P begins anew.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs

    def columns(self, channels: int, horizons: int) -> tuple[Column, ...]:
        """Weights and covariance, a horizon each."""
        shape = (channels, horizons, self.inputs)
        return (
            Column("direct_weights", torch.float32, shape),
            Column("direct_covariance", torch.float32, (*shape, self.inputs), initial=torch.eye(self.inputs)),
        )

    def learn(self, matured: Matured, is_learnt: Tensor, state: State) -> dict[str, Tensor]:
        """Learn from what was kept: the inputs, and the unit behind them. is_learnt: (B, C, K)."""
        x, unit = matured.kept[..., : self.inputs], matured.kept[..., self.inputs]
        target = (matured.moved / unit.clamp_min(1e-30)).clamp(-CLIP, CLIP)
        weights, covariance = state["direct_weights"], state["direct_covariance"]
        q = dot(covariance, x.unsqueeze(-2))  # (B, C, K, D)
        excess = dot(q, x)
        is_sound = excess >= 0  # what P cannot be but by rounding, where inputs say nearly the same
        is_learnt = is_learnt & is_sound
        gain = (q / (FORGETTING + excess).unsqueeze(-1)).masked_fill(~is_learnt.unsqueeze(-1), 0.0)
        learnt = weights + gain * (target - dot(weights, x)).unsqueeze(-1)
        smaller = covariance - gain.unsqueeze(-1) * q.unsqueeze(-2)
        trace = total(torch.diagonal(smaller, dim1=-2, dim2=-1))
        growth = (LARGEST_TRACE / trace).clamp_max(1 / FORGETTING).masked_fill(~is_learnt, 1.0)
        begun = torch.eye(self.inputs, device=covariance.device)
        return {
            "direct_weights": learnt,
            "direct_covariance": torch.where(is_sound[..., None, None], smaller * growth[..., None, None], begun),
        }

    def offsets(self, x: Tensor, unit: Tensor, state: State) -> Tensor:
        """The forecast, less the value. x: (B, C, K, D), unit: (B, C, K) -> (B, C, K)."""
        return dot(state["direct_weights"], x) * unit
