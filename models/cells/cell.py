"""The contract of every recurrence: `step` once, `scan` over time, state as a value."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

CellState = Mapping[str, Tensor]  # name -> (B, *shape)
LOG2_LONGEST, FINENESS = 20.0, 161  # up to a million steps, by eighths of an octave


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

    @property
    def output_name(self) -> str | None:
        """The tensor of the state that is the y of the last step that had an input; None where there is no such one."""
        return None

    @torch.no_grad()
    def half_life_steps(self) -> float:
        """How many steps without an input leave half of the size of a state; infinite where none of it fades."""
        some = next(self.parameters())
        elapsed = 2.0 ** torch.linspace(0, LOG2_LONGEST, FINENESS, device=some.device)
        whole = {name: some.new_ones(FINENESS, *shape) for name, shape in self.state_shapes.items()}
        rested = torch.cat([column.flatten(1) for column in self.rest(whole, elapsed).values()], 1)
        is_half = rested.square().mean(1).sqrt() <= 0.5
        return float(elapsed[is_half.int().argmax()]) if is_half.any() else math.inf

    def initial_state(self, batch: int) -> dict[str, Tensor]:
        """State before the first step: zeros. -> name: (B, *shape)."""
        parameter = next(self.parameters())
        return {name: parameter.new_zeros(batch, *shape) for name, shape in self.state_shapes.items()}


def choose(mask: Tensor | None, taken: Tensor, other: Tensor | float) -> Tensor:
    """``taken`` where the mask is True, ``other`` elsewhere. mask: (B,) or (T, B), taken: (*mask.shape, ...)."""
    if mask is None:
        return taken
    return torch.where(mask.view(*mask.shape, *(1 for _ in taken.shape[mask.dim() :])), taken, other)
