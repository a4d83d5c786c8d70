"""The contract of every recurrence: `step` once, `scan` over time, state as a value."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

CellState = Mapping[str, Tensor]  # name -> (B, H)


class Cell(nn.Module, ABC):
    """A recurrence over rows. State is named tensors of constant size, B first, and never changed in place."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """Names of the state's tensors, (B, H) each; the first one is the output of the step that made it."""

    @abstractmethod
    def step(self, x: Tensor, state: CellState) -> tuple[Tensor, dict[str, Tensor]]:
        """Advance one time step. x: (B, F) -> y: (B, H), state. B is a multiple of the tile."""

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """State before the first step: zeros. -> name: (B, H)."""
        parameter = next(self.parameters())
        return {name: parameter.new_zeros(batch, self.hidden) for name in self.state_names}

    def scan(self, x: Tensor, state: CellState) -> tuple[Tensor, dict[str, Tensor]]:
        """The steps of a whole sequence. x: (T, B, F) -> y: (T, B, H), state after the last."""
        outputs = []
        carried = dict(state)
        for moment in x:
            y, carried = self.step(moment, carried)
            outputs.append(y)
        return torch.stack(outputs), carried
