"""A sequence read in both directions, Schuster & Paliwal 1997, https://doi.org/10.1109/78.650093: whole ones only."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from models.cells.cell import Cell


class Bidirectional(nn.Module):
    """Layers of two cells each, one of which reads backwards: there is no step, since the end must be known."""

    def __init__(self, forwards: Iterable[Cell], backwards: Iterable[Cell]) -> None:
        super().__init__()
        self.forwards = nn.ModuleList(forwards)
        self.backwards = nn.ModuleList(backwards)

    def scan(self, x: Tensor, elapsed: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Read whole sequences. x: (T, B, F), elapsed, mask: (T, B) -> (T, B, 2H), forwards and backwards."""
        until_next = None if elapsed is None else torch.cat((elapsed[1:], torch.ones_like(elapsed[:1])))
        layers = zip(cast("Iterable[Cell]", self.forwards), cast("Iterable[Cell]", self.backwards), strict=True)
        for forwards, backwards in layers:
            ahead, _ = forwards.scan(x, forwards.initial_state(x.shape[1]), elapsed, mask)
            start = backwards.initial_state(x.shape[1])
            back, _ = backwards.scan(x.flip(0), start, _flipped(until_next), _flipped(mask))
            x = torch.cat((ahead, back.flip(0)), dim=-1)
        return x


def _flipped(column: Tensor | None) -> Tensor | None:
    return None if column is None else column.flip(0)
