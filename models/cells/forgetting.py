"""How the state of a gated cell fades over a gap, after GRU-D, Che et al. 2018, https://arxiv.org/abs/1606.01865.

The paper lets a state fade exponentially with the elapsed time; here it is a power, so that one parameter serves gaps
of a few steps and of thousands.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from models.cells.cell import Cell, CellState


class ForgettingCell(Cell):
    """A cell whose gates count steps, not time: over a gap its state fades by ``(1 + steps missed) ** -rate``.

    ``rate = softplus(forgetting)`` is learnt; of an elapsed time of 1 or less, no step was missed.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.forgetting = nn.Parameter(torch.tensor(-2.0))

    @override
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        if elapsed is None:
            return dict(state)
        kept = self.kept(elapsed).unsqueeze(-1)
        return {name: column * kept for name, column in state.items()}

    def kept(self, elapsed: Tensor) -> Tensor:
        """The share of the state that is left. elapsed: (...) -> (...)."""
        missed = (elapsed - 1).clamp_min(0)
        return torch.exp(-functional.softplus(self.forgetting) * torch.log1p(missed))
