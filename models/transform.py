"""What is judged instead of the raw value: difference, log return, rate. The last raw value is its state."""

from collections.abc import Sequence
from enum import StrEnum

import torch
from torch import Tensor, nn

from models.column import Column, State


class Transform(StrEnum):
    """How a channel's raw values become the values that are judged."""

    NONE = "none"
    DIFFERENCE = "difference"  # y - y'
    LOG_RETURN = "log_return"  # ln y - ln y', absent where either is not positive
    RATE = "rate"  # of a counter, a second; a counter that fell has started again from zero


class Transforms(nn.Module):
    """The transforms of a group's channels, one each."""

    is_rate: Tensor  # (C,)

    def __init__(self, transforms: Sequence[Transform]) -> None:
        super().__init__()
        self.transforms = tuple(transforms)
        is_rate = [transform is Transform.RATE for transform in transforms]
        self.register_buffer("is_rate", torch.tensor(is_rate), persistent=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The raw value seen last per channel, NaN before the first; nothing where no channel is transformed."""
        if all(transform is Transform.NONE for transform in self.transforms):
            return ()
        return (Column("raw", torch.float64, (len(self.transforms),), initial=float("nan")),)

    def forward(
        self, values: Tensor, present: Tensor, elapsed_seconds: Tensor, state: State
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Transform one reading a row.

        values: (B, C) float64, present: (B, C), elapsed_seconds: (B,) -> judged (B, C) float64, present (B, C) and
        the columns.
        """
        if not self.columns:
            return values, present, {}
        before = state["raw"]
        judged = torch.stack(
            [
                _apply(transform, values[:, c], before[:, c], elapsed_seconds)
                for c, transform in enumerate(self.transforms)
            ],
            dim=1,
        )
        # What a counter gained between two readings of one instant belongs to the next interval.
        is_instant = self.is_rate & (elapsed_seconds == 0).unsqueeze(1)
        return judged, present & judged.isfinite(), {"raw": torch.where(present & ~is_instant, values, before)}


def _apply(transform: Transform, now: Tensor, before: Tensor, elapsed_seconds: Tensor) -> Tensor:
    """One channel. now, before: (B,), elapsed_seconds: (B,) -> (B,), not finite where there is nothing to judge."""
    match transform:
        case Transform.NONE:
            return now
        case Transform.DIFFERENCE:
            return now - before
        case Transform.LOG_RETURN:
            return torch.log(now) - torch.log(before)
        case Transform.RATE:
            increase = torch.where(now < before, now, now - before)
            return increase / elapsed_seconds.double()
