"""Attention over a sliding window, Vaswani et al. 2017, https://arxiv.org/abs/1706.03762: the Transformer as a cell.

Positions are rotary, Su et al. 2021, https://arxiv.org/abs/2104.09864; queries and keys have unit size, as Dehghani et
al. 2023 have it, https://arxiv.org/abs/2302.05442, so that scores are bounded whatever comes in.
"""

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from models.cells.cell import Cell, CellState, choose
from models.cells.pointwise import of_unit_size
from models.cells.tiles import TiledLinear

MAX_ELAPSED = 1024.0  # steps: a longer gap counts as one of these, so that single precision resolves the steps around
SLOWEST = 1e-4  # radians a step of the slowest rotation; the fastest has one


class Attention(Cell):
    """The newest input asks, the keys of the last ``window`` inputs answer; what lies between them is time, not steps.

    ``y = V sum_s softmax_s(g q . R(age_s) k_s / sqrt(d)) v_s + c`` in each head, ``q, k, v = W x + b``. State is the
    buffer of keys and values, oldest first, with the age of each: 0 where the slot is empty, 1 where it is new. To rest
    and then to step is to step once over the sum of both times.
    """

    rotation: Tensor  # (d / 2,) radians a step

    def __init__(self, inputs: int, hidden: int, window: int = 32, heads: int = 4) -> None:
        super().__init__(inputs, hidden)
        size, rest = divmod(hidden, heads)
        if rest or size % 2:
            raise ValueError(f"Attention: expected {heads} heads of an even size, got {hidden} hidden units")
        self.window, self.heads, self.size = window, heads, size
        self.input = TiledLinear(inputs, 3 * hidden)
        self.output = TiledLinear(hidden, hidden)
        self.gain = nn.Parameter(torch.ones(heads, size))
        rotation = torch.logspace(0, math.log10(SLOWEST), size // 2, dtype=torch.float64)
        self.register_buffer("rotation", rotation.float(), persistent=False)

    @property
    @override
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        buffer = (self.window, self.hidden)
        return {"keys": buffer, "values": buffer, "ages": (self.window,)}

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        ages = state["ages"]
        passed = torch.ones_like(ages) if elapsed is None else elapsed.clamp_max(MAX_ELAPSED).unsqueeze(-1)
        return {**state, "ages": torch.where(ages > 0, ages + passed, 0.0)}

    @override
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        q, k, v = self._projected(self.input(x))
        rested = self.rest(state, elapsed)
        newest = {"keys": k.flatten(1), "values": v.flatten(1), "ages": torch.ones_like(rested["ages"][:, 0])}
        after = {name: torch.cat((rested[name][:, 1:], newest[name].unsqueeze(1)), 1) for name in rested}
        keys, values = self._headed(after["keys"]), self._headed(after["values"])
        aged = self._rotated(keys, 1 - after["ages"])
        scores = (q.unsqueeze(1) * aged).sum(-1)  # (B, W, heads)
        weights = torch.softmax(scores.masked_fill(after["ages"].unsqueeze(-1) == 0, -torch.inf), dim=1)
        y = self.output((weights.unsqueeze(-1) * values).sum(1).flatten(1))
        return choose(mask, y, 0.0), {name: choose(mask, after[name], rested[name]) for name in rested}

    @override
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        written = torch.ones_like(x[..., 0], dtype=torch.bool) if mask is None else mask
        passed = torch.ones_like(x[..., 0]) if elapsed is None else elapsed.clamp_max(MAX_ELAPSED)
        time = passed.double().cumsum(0)  # (T, B) since the state
        order = torch.argsort(~written, dim=0, stable=True)  # the steps with an input first, so that slots are steps
        q, k, v = (_picked(part, order) for part in self._projected(self.input.whole(x)))
        held = {name: column.transpose(0, 1) for name, column in state.items()}
        keys = torch.cat((self._headed(held["keys"]), k))  # (W + T, B, heads, d)
        values = torch.cat((self._headed(held["values"]), v))
        times = torch.cat((1 - held["ages"].double(), _picked(time, order)))  # (W + T, B)
        is_filled = torch.cat((held["ages"] > 0, _picked(written, order)))
        y = _picked(self._attended(q, keys, values, times, is_filled), torch.argsort(order, dim=0))
        newest = torch.arange(self.window, device=x.device).unsqueeze(-1) + written.sum(0)  # (W, B)
        ages = torch.where(_picked(is_filled, newest), time[-1] - _picked(times, newest) + 1, 0.0)
        after = {
            "keys": _picked(keys, newest).flatten(2).transpose(0, 1),
            "values": _picked(values, newest).flatten(2).transpose(0, 1),
            "ages": ages.to(x.dtype).transpose(0, 1),
        }
        return choose(mask, self.output.whole(y.flatten(2)), 0.0), after

    def _attended(self, q: Tensor, keys: Tensor, values: Tensor, times: Tensor, is_filled: Tensor) -> Tensor:
        """Attend in chunks of a window's length, each to its own keys and those of the chunk before.

        q: (T, B, heads, d), keys, values: (W + T, B, heads, d), times, is_filled: (W + T, B) -> (T, B, heads, d).
        """
        length, window = q.shape[0], self.window
        chunked = _padded(q, -length % window).view(-1, window, *q.shape[1:])  # (N, W, B, heads, d)
        k, v, t, filled = (
            _padded(column, -length % window).unfold(0, 2 * window, window).movedim(-1, 1)  # (N, 2W, B, ...)
            for column in (keys, values, times, is_filled)
        )
        since = (t - t[:, window : window + 1]).to(q.dtype)  # the first query of the chunk
        scores = torch.einsum("nqbhd,nkbhd->nbhqk", self._rotated(chunked, since[:, window:]), self._rotated(k, since))
        ahead = torch.arange(2 * window, device=q.device) - torch.arange(window, device=q.device).unsqueeze(-1)
        is_seen = filled.movedim(1, -1)[:, :, None, None] & (ahead > 0) & (ahead <= window)  # (N, B, 1, W, 2W)
        hidden = torch.zeros_like(is_seen, dtype=q.dtype).masked_fill(~is_seen, torch.finfo(q.dtype).min / 2)
        weights = torch.softmax(scores + hidden, dim=-1)
        return torch.einsum("nbhqk,nkbhd->nqbhd", weights, v).flatten(0, 1)[:length].to(q.dtype)

    def _projected(self, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., 3H) -> queries, keys and values, (..., heads, d) each."""
        q, k, v = (self._headed(part) for part in projected.chunk(3, dim=-1))
        return of_unit_size(q) * self.gain / math.sqrt(self.size), of_unit_size(k), v

    def _headed(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., heads, d)."""
        return x.view(*x.shape[:-1], self.heads, self.size)

    def _rotated(self, x: Tensor, position: Tensor) -> Tensor:
        """Turn pairs of features by their position. x: (..., heads, d), position: (...) -> (..., heads, d)."""
        angle = (position.unsqueeze(-1) * self.rotation).unsqueeze(-2)  # (..., 1, d / 2)
        cos, sin = torch.cos(angle), torch.sin(angle)
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def _picked(column: Tensor, index: Tensor) -> Tensor:
    """Of every row the entries at these places. column: (T, B, ...), index: (K, B) -> (K, B, ...)."""
    return torch.take_along_dim(column, index.view(*index.shape, *(1 for _ in column.shape[2:])), dim=0)


def _padded(column: Tensor, count: int) -> Tensor:
    """With ``count`` zeros after the last. (T, ...) -> (T + count, ...)."""
    return torch.cat((column, column.new_zeros(count, *column.shape[1:])))
