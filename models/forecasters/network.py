"""The trained part of the combiner: a cell over what was seen, and one head for every horizon."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.cells import CELLS, CellState, TiledLinear
from models.column import State
from models.experts.dot import dot, shares
from models.experts.record import FREEDOM, UNREST, spread_at
from models.heads import StudentT, squash

HEAD_WIDTH = 32
LEAST_SHARE = -6.0  # the logarithm of what an expert has at least, over the most, before the network says otherwise
LOG_NARROWNESS = math.log(0.8)  # of a scale in a mean absolute error, before the network says otherwise
MIN_FREEDOM, MAX_FREEDOM = 1.3, 60.0
MAX_LOG_SCALE = 7.0  # either way


class Sighted(NamedTuple):
    """What the head sees of each horizon, in units of the scale * horizon ** .4. E experts."""

    offsets: Tensor  # (..., C, K, E)
    log_errors: Tensor  # (..., C, K, E)
    log_horizon: Tensor  # (K,)
    log_shares: Tensor  # (..., C, K, E) how much each is heard without a network, less the most of it
    log_recent: Tensor  # (..., C, K) how large errors were of late, in usual ones

    def together(self) -> StudentT:
        """What a panel of the experts forecasts without a network. -> (..., C, K) each."""
        share = shares(self.log_shares)
        location = dot(share, self.offsets)
        spread = spread_at(dot(share, self.log_errors), self.log_recent)
        return StudentT(location, spread, torch.full_like(location, FREEDOM))


class Network(nn.Module):
    """Weighs the experts, corrects them, and sets the spread: ``m = sum(w offset) + b r``, ``b = exp(sum(w L))``.

    With ``w = softmax(logits + S)``, ``L`` the experts' log errors, and ``S`` how much each is heard without a network:
    one that has learnt nothing says about what they say. The same weights serve every channel and every horizon; with
    ``joint`` channels one hidden state serves the vector of them.
    """

    def __init__(self, cell: str, hidden: int, features: int, experts: int, joint: int | None = None) -> None:
        super().__init__()
        self.joint = joint
        self.cell = CELLS[cell](features * (joint or 1), hidden)
        self.mix = TiledLinear(hidden + 3 * experts + 3 + (joint or 0), HEAD_WIDTH)
        self.out = TiledLinear(HEAD_WIDTH, experts + 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def state_shapes(self, channels: int) -> dict[str, tuple[int, ...]]:
        """Shapes of one row of the cell's state. -> name: (C, ...), without C where the channels are joint."""
        each = self.cell.state_shapes
        return each if self.joint else {name: (channels, *shape) for name, shape in each.items()}

    def step(
        self, features: Tensor, state: CellState, elapsed: Tensor, is_seen: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One reading a row. features: (B, C, F), elapsed, is_seen: (B,) -> hidden (B, C, H), state."""
        rows, channels, _ = features.shape
        if self.joint:
            y, after = self.cell.step(features.flatten(1), state, elapsed, is_seen)
            return y.unsqueeze(1).expand(rows, channels, -1), after
        flat = {name: part.flatten(0, 1) for name, part in state.items()}
        of_each = (column.unsqueeze(1).expand(rows, channels).flatten() for column in (elapsed, is_seen))
        y, after = self.cell.step(features.flatten(0, 1), flat, *of_each)
        return y.view(rows, channels, -1), {
            name: part.view(rows, channels, *part.shape[1:]) for name, part in after.items()
        }

    def scan(
        self, features: Tensor, state: CellState, elapsed: Tensor, is_seen: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Readings over time. features: (T, B, C, F), elapsed, is_seen: (T, B) -> hidden (T, B, C, H), state."""
        steps, rows, channels, _ = features.shape
        if self.joint:
            y, after = self.cell.scan(features.flatten(2), state, elapsed, is_seen)
            return y.unsqueeze(2).expand(steps, rows, channels, -1), after
        flat = {name: part.flatten(0, 1) for name, part in state.items()}
        of_each = (column.repeat_interleave(channels, 1) for column in (elapsed, is_seen))
        y, after = self.cell.scan(features.flatten(1, 2), flat, *of_each)
        after = {name: part.view(rows, channels, *part.shape[1:]) for name, part in after.items()}
        return y.view(steps, rows, channels, -1), after

    def last_hidden(self, state: State) -> Tensor | None:
        """What the last step gave, where the state tells it. -> (B, C or 1, H), None where it does not."""
        name = self.cell.output_name
        if name is None:
            return None
        return state[name].unsqueeze(1) if self.joint else state[name]

    def weights(self, hidden: Tensor, sighted: Sighted) -> Tensor:
        """How the experts are weighed. hidden: (..., C, H) -> (..., C, K, E), sum 1."""
        return self._weights(self._raw(hidden, sighted), sighted)

    def forecast(self, hidden: Tensor, sighted: Sighted) -> StudentT:
        """The forecast of every horizon, in its unit. hidden: (..., C, H) -> (..., C, K) each."""
        raw = self._raw(hidden, sighted)
        weight, (correction, wider, freedom) = self._weights(raw, sighted), raw[..., -3:].unbind(-1)
        log_size = dot(weight, sighted.log_errors)
        log_scale = log_size + UNREST * sighted.log_recent + wider
        return StudentT(
            dot(weight, sighted.offsets) + torch.exp(log_size) * correction,
            log_scale.clamp(-MAX_LOG_SCALE, MAX_LOG_SCALE) + LOG_NARROWNESS,
            MIN_FREEDOM + (MAX_FREEDOM - MIN_FREEDOM) * torch.sigmoid(freedom - 2),
        )

    @staticmethod
    def _weights(raw: Tensor, sighted: Sighted) -> Tensor:
        return shares(raw[..., :-3] + sighted.log_shares.clamp_min(LEAST_SHARE))

    def _raw(self, hidden: Tensor, sighted: Sighted) -> Tensor:
        """The output of the last layer. hidden: (..., C, H) -> (..., C, K, E + 3)."""
        offsets, log_errors, log_horizon, log_share, log_recent = sighted
        shape, experts = log_errors.shape[:-1], log_errors.shape[-1]
        location, log_scale, _ = sighted.together()
        parts = [
            hidden.unsqueeze(-2).expand(*shape, -1),
            squash(offsets[..., 1:]),  # the first expert is the last value, whose offset is zero
            log_errors / 2,
            log_share.clamp_min(LEAST_SHARE) / 4,
            squash(location).unsqueeze(-1),
            (log_scale / 2).unsqueeze(-1),
            log_recent.unsqueeze(-1),
            (log_horizon / 4).unsqueeze(-1).expand(*shape, 1),
        ]
        if self.joint:
            which = torch.eye(self.joint, dtype=hidden.dtype, device=hidden.device).unsqueeze(1)
            parts.append(which.expand(*shape, self.joint))
        mixed = self.mix(torch.cat(parts, -1).reshape(-1, self.mix.weight.shape[0]))
        raw: Tensor = self.out(mixed * torch.sigmoid(mixed)).view(*shape, experts + 3)
        return raw
