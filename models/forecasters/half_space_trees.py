"""Half-space trees: where a channel's readings have been, as counts in random partitions of its range."""

import torch
from torch import Tensor
from typing_extensions import override

from models.column import Column, State
from models.forecasters.ewma import Ewma
from models.forecasters.forecaster import Moment

TREES, HEIGHT, WINDOW = 10, 8, 250  # river's own
NODES = 2 ** (HEIGHT + 1)  # of a tree; the last one is nobody's
PADDING = 0.15  # of a node's range, at either side, that is not split
LIMIT = 0.1 * WINDOW  # readings of a node: below, its subtree says nothing more


class HalfSpaceTrees(Ewma):
    """Half-space trees (S. C. Tan, K. M. Ting, F. T. Liu, 2011), as river has them, each channel with its own.

    Every node counts the readings of the window that goes on, and is judged by those of the window before. A reading's
    mass is ``sum of mass * 2^depth`` on its way down, up to the first node below `LIMIT`; its surprise is
    ``-log10(mass / the largest there could be)``, and 0 before the first window is full. Values are brought to 0…1 by
    the smallest and the largest so far. Trees forecast nothing: what is shown is the forecast of the running mean.
    """

    splits: Tensor  # (TREES * NODES,) float64: the weights; children of the inner node i are 2 i + 1 and 2 i + 2
    roots: Tensor  # (TREES,) int64
    depth_weights: Tensor  # (HEIGHT + 1,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("splits", _drawn())
        self.register_buffer("roots", torch.arange(TREES) * NODES, persistent=False)
        self.register_buffer("depth_weights", 2.0 ** torch.arange(HEIGHT + 1), persistent=False)

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        masses = (channels, TREES * NODES)
        columns = (
            Column("lowest", torch.float64, (channels,), initial=torch.inf),
            Column("highest", torch.float64, (channels,), initial=-torch.inf),
            Column("counted", torch.int32, (channels,)),
            Column("masses", torch.uint8, masses),  # of the window that goes on, which is shorter than 256
            Column("masses_before", torch.uint8, masses),
        )
        return {"trees": columns, **super().parts(channels)}

    @override
    def surprise(self, values: Tensor, by_forecast: Tensor, state: State) -> Tensor:
        way = self._way(_scaled(values, state["lowest"], state["highest"]))
        mass = state["masses_before"].gather(2, way.flatten(2)).view(way.shape).float()
        is_above = (mass >= LIMIT).cumprod(-1).roll(1, -1)  # all nodes above have enough
        is_above[..., 0] = 1
        total = (mass * is_above * self.depth_weights).sum((-2, -1))
        largest = TREES * WINDOW * (NODES - 1)
        return torch.log10(largest / total.clamp_min(1.0)).masked_fill(state["counted"] < WINDOW, 0.0)

    @override
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        is_present, value = moment.present, state["last"]
        lowest = torch.where(is_present, torch.minimum(state["lowest"], value), state["lowest"])
        highest = torch.where(is_present, torch.maximum(state["highest"], value), state["highest"])
        way = self._way(_scaled(value, lowest, highest)).flatten(2)
        one = is_present.to(torch.uint8).unsqueeze(-1).expand(way.shape)
        masses = state["masses"].scatter_add(2, way, one)
        counted = state["counted"] + is_present
        is_over = (is_present & (counted % WINDOW == 0)).unsqueeze(-1)
        return {
            "lowest": lowest,
            "highest": highest,
            "counted": counted,
            "masses": masses.masked_fill(is_over, 0),
            "masses_before": torch.where(is_over, masses, state["masses_before"]),
            **super().advance(moment, state),
        }

    def _way(self, x: Tensor) -> Tensor:
        """The nodes that a value passes in every tree, from root to leaf. x: (B, C) -> (B, C, TREES, HEIGHT + 1)."""
        x = x.unsqueeze(-1)
        node = torch.zeros(1, dtype=torch.int64, device=x.device).expand(*x.shape[:-1], TREES)
        way = [node]
        for _ in range(HEIGHT):
            node = node * 2 + 1 + (x >= self.splits[self.roots + node])
            way.append(node)
        return torch.stack(way, -1) + self.roots.unsqueeze(-1)


def _scaled(values: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    """0 at the lowest and 1 at the highest; 0 where they are the same. (B, C) each."""
    width = highest - lowest
    return torch.where(width > 0, (values - lowest) / width, 0.0)


def _drawn() -> Tensor:
    """Splits drawn at random, level by level: each within its node's range, not near its ends."""
    splits = torch.zeros(TREES, NODES, dtype=torch.float64)
    low, high = torch.zeros(TREES, 1, dtype=torch.float64), torch.ones(TREES, 1, dtype=torch.float64)
    for depth in range(HEIGHT):
        share = PADDING + (1 - 2 * PADDING) * torch.rand(TREES, 2**depth, dtype=torch.float64)
        split = low + (high - low) * share
        splits[:, 2**depth - 1 : 2 ** (depth + 1) - 1] = split
        low = torch.stack((low, split), -1).flatten(1)
        high = torch.stack((split, high), -1).flatten(1)
    return splits.flatten()
