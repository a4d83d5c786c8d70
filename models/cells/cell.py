"""The contract of every recurrence: `step` once, `scan` over time, state as a value."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

CellState = Mapping[str, Tensor]  # name -> (B, *shape)


class Cell(nn.Module, ABC):
    """A recurrence over rows. State is named tensors of constant size, B first, and never changed in place.

    Time is counted in multiples of the usual step. ``elapsed`` is the time since the step before, 1 where it is None.
    Where ``mask`` is False there is no input: the row only lets the time pass, as `rest` has it, and its y is zero.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden

    @property
    @abstractmethod
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one row of each tensor of state; the state before the first step is zeros."""

    @abstractmethod
    def rest(self, state: CellState, elapsed: Tensor | None = None) -> dict[str, Tensor]:
        """Let time pass without an input. elapsed: (B,) -> state."""

    @abstractmethod
    def step(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Advance one time step. x: (B, F), elapsed, mask: (B,) -> y: (B, H), state.

        B is a multiple of the tile; the bits of a row depend on neither its place nor its neighbours.
        """

    @abstractmethod
    def scan(
        self, x: Tensor, state: CellState, elapsed: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The steps of a whole sequence, to train with: any B, equal to steps but for the last bits.

        x: (T, B, F), elapsed, mask: (T, B) -> y: (T, B, H), state after the last.
        """

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """State before the first step: zeros. -> name: (B, *shape)."""
        parameter = next(self.parameters())
        return {name: parameter.new_zeros(batch, *shape) for name, shape in self.state_shapes.items()}


def choose(mask: Tensor | None, taken: Tensor, other: Tensor | float) -> Tensor:
    """``taken`` where the mask is True, ``other`` elsewhere. mask: (B,) or (T, B), taken: (*mask.shape, ...)."""
    if mask is None:
        return taken
    return torch.where(mask.view(*mask.shape, *(1 for _ in taken.shape[mask.dim() :])), taken, other)
