"""A pause in learning: readings that are judged and not learnt from are, to what is remembered, a gap."""

import torch
from torch import Tensor

from models.column import Column, State


def columns() -> tuple[Column, ...]:
    """How long before the newest reading the newest learnt one was, in seconds; NaN where there was none."""
    return (Column("paused_seconds", torch.float32, ()),)


def elapsed_seconds(elapsed: Tensor, state: State) -> Tensor:
    """Time since the newest reading that was learnt. elapsed: (B,) since the newest one -> (B,)."""
    return elapsed + state["paused_seconds"]


def state_after(learns: Tensor | None, learnt: State, unlearnt: State, elapsed: Tensor) -> dict[str, Tensor]:
    """The state after a reading, by whether it is learnt from.

    learns: (B,) bool, None where all are; elapsed: (B,) by `elapsed_seconds`.
    """
    learnt = {**learnt, "paused_seconds": torch.zeros_like(elapsed)}
    if learns is None:
        return learnt
    unlearnt = {**unlearnt, "paused_seconds": elapsed}
    return {
        name: torch.where(learns.view(-1, *[1] * (column.dim() - 1)), column, unlearnt[name])
        for name, column in learnt.items()
    }
