"""The readout: a forecast of the next reading that is nonlinear, and fitted anew in closed form at every reading."""

import math

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.dot import dot, total
from models.novelty.glance import SLOWEST
from models.novelty.normal import FARTHEST

FORGETTING = 0.999
LARGEST_TRACE = 10.0  # of the covariance, a feature
CLIP = 3.0  # deviations, of a coefficient of the past
FAST = 1 / 16  # rate of the error of late, per reading: bursts on servers are short
FLOOR = 0.02  # deviations: a smaller error is none


class Readout(nn.Module):
    """Recursive least squares from the coefficients of the past and their products, two by two, to the next place.

    Features without anything drawn or trained, as Gauthier et al. (2021) have them for reservoirs: 1, ``c_i``,
    ``c_i c_j``. The covariance is kept as a square root, ``P = S S'``, so that no rounding makes it negative (Potter,
    1963): ``h = S' x``, ``k = S h``, ``D = lambda + h h``, ``W += k (target - W x) / D``,
    ``S = (S - k h' / (D + sqrt(lambda D))) sqrt(min(1 / lambda, most / tr P))``.
    """

    first: Tensor  # (M,) of the coefficients in each product
    second: Tensor  # (M,)

    def __init__(self, order: int) -> None:
        super().__init__()
        first, second = torch.triu_indices(order, order)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)
        self.features = 1 + order + len(first)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """Weights, the root of the covariance, and the size of the errors of late and of the whole life."""
        root = torch.eye(self.features) * math.sqrt(LARGEST_TRACE)
        return (
            Column("readout_weights", torch.float32, (channels, self.features)),
            Column("readout_root", torch.float32, (channels, self.features, self.features), initial=root),
            Column("readout_errors", torch.float32, (channels, 2), initial=1.0),  # of who knows nothing
        )

    def learn(self, place: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """Take in a reading, after all before. place: (B, C) -> errors of late / those of the whole life (B, C)."""
        x = self._seen(state["past"])
        weights, root = state["readout_weights"], state["readout_root"]
        error = (place - dot(weights, x)).clamp(-FARTHEST, FARTHEST)
        h = dot(root.transpose(-2, -1), x.unsqueeze(-2))
        k = dot(root, h.unsqueeze(-2))
        size = FORGETTING + dot(h, h)
        shrink = 1 / (size + (FORGETTING * size).sqrt())
        smaller = root - (k * shrink.unsqueeze(-1)).unsqueeze(-1) * h.unsqueeze(-2)
        trace = total(dot(smaller, smaller))
        growth = (LARGEST_TRACE * self.features / trace).clamp_max(1 / FORGETTING).sqrt()
        share = 1 / (state["age"] + 1)
        rates = torch.stack((share.clamp_min(FAST), share.clamp_min(SLOWEST)), -1)
        errors = torch.lerp(state["readout_errors"], error.abs().unsqueeze(-1), rates)
        late, usual = errors.unbind(-1)
        return late / usual.clamp_min(FLOOR), {
            "readout_weights": weights + k * (error / size).unsqueeze(-1),
            "readout_root": smaller * growth[..., None, None],
            "readout_errors": errors,
        }

    def _seen(self, past: Tensor) -> Tensor:
        """The features of a past. (B, C, N) -> (B, C, D)."""
        past = past.clamp(-CLIP, CLIP)
        products = past[..., self.first] * past[..., self.second]
        return torch.cat((torch.ones_like(past[..., :1]), past, products), -1)
