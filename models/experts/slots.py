"""Forecasts that wait for the reading they are of."""

from itertools import count
from math import gcd
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.sight import Sight

SLOTS = 8  # at most, a horizon: about every horizon / 8 readings one forecast is kept
CYCLES = 2 * 3 * 5 * 7  # what the cycles of most series are made of: hours, minutes, days, weeks


class Matured(NamedTuple):
    """What was kept ``horizon`` readings ago, where something was. K horizons, W numbers."""

    is_due: Tensor  # (B, C, K)
    moved: Tensor  # (B, C, K) float32, the value less the value then
    kept: Tensor  # (B, C, K, W)


class Slots(nn.Module):
    """A few slots a horizon: slot ``j`` of ``S`` is written where ``n mod P = floor(j P / S)``, and read ``h`` later.

    So the further a horizon the rarer it is learnt from, but at every hour alike: a period ``P`` is the first from
    ``h`` on that has no factor in common with what series repeat themselves by.
    """

    periods: Tensor  # (S,) of all horizons' slots in a row
    writes: Tensor  # (S,) turns of a period
    reads: Tensor  # (S,)
    which: Tensor  # (S,) horizon

    def __init__(self, horizons: tuple[int, ...], width: int, prefix: str = "") -> None:
        """``prefix``: of the columns' names."""
        super().__init__()
        self._turn, self._value, self._kept = (f"{prefix}{name}" for name in ("turn", "slot_value", "slots"))
        self.counts = [min(SLOTS, horizon) for horizon in horizons]
        self.is_single = horizons == (1,)  # one slot, due at every reading
        self.width = width
        periods = [period(horizon) for horizon in horizons]
        places = [
            (p, j * p // s, (j * p // s + h) % p)
            for h, p, s in zip(horizons, periods, self.counts, strict=True)
            for j in range(s)
        ]
        for name, column in zip(("periods", "writes", "reads"), torch.tensor(places, dtype=torch.int32).T, strict=True):
            self.register_buffer(name, column.contiguous(), persistent=False)
        self.pace = torch.tensor(self.counts) / torch.tensor(periods)  # errors learnt a reading
        which = torch.arange(len(horizons)).repeat_interleave(torch.tensor(self.counts))
        self.register_buffer("which", which, persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """What is kept in each slot: ``width`` numbers; where there are several, the value and the reading's number."""
        slots = len(self.periods)
        kept = Column(self._kept, torch.float32, (channels, slots, self.width))
        if self.is_single:
            return (kept,)
        return (
            Column(self._turn, torch.int32, (channels,)),
            Column(self._value, torch.float64, (channels, slots), initial=float("nan")),
            kept,
        )

    def read(self, sight: Sight, state: State) -> Matured:
        """What is due at this reading."""
        kept = state[self._kept]
        if self.is_single:  # what was kept is of the value before
            return Matured((sight.age > 1).unsqueeze(-1), sight.difference.unsqueeze(-1), kept)
        moved = (sight.last.unsqueeze(-1) - state[self._value]).float()  # (B, C, S)
        due = self._at(self.reads, state[self._turn])
        is_due = ~moved.isnan() & due
        moved = torch.nan_to_num(moved).masked_fill(~due, 0.0)
        parts = [part.sum(2) for part in torch.split(kept.masked_fill(~due.unsqueeze(-1), 0.0), self.counts, 2)]
        return Matured(
            is_due=torch.stack([part.any(-1) for part in torch.split(is_due, self.counts, -1)], -1),
            moved=torch.stack([part.sum(-1) for part in torch.split(moved, self.counts, -1)], -1),
            kept=torch.stack(parts, 2),
        )

    def write(self, sight: Sight, kept: Tensor, state: State) -> dict[str, Tensor]:
        """Keep the forecasts made at this reading where a slot is free for them. kept: (B, C, K, W)."""
        due = sight.present.unsqueeze(-1)
        if self.is_single:
            return {self._kept: torch.where(due.unsqueeze(-1), kept, state[self._kept])}
        due = due & self._at(self.writes, state[self._turn])
        kept = kept.index_select(2, self.which)
        return {
            self._turn: state[self._turn] + sight.present,
            self._value: torch.where(due, sight.last.unsqueeze(-1), state[self._value]),
            self._kept: torch.where(due.unsqueeze(-1), kept, state[self._kept]),
        }

    def _at(self, places: Tensor, turn: Tensor) -> Tensor:
        return turn.unsqueeze(-1) % self.periods == places


def period(horizon: int) -> int:
    """Readings from one writing of a slot to the next: as many as the horizon where it is judged at every reading."""
    if horizon <= SLOTS:
        return horizon
    return next(readings for readings in count(horizon) if gcd(readings, CYCLES) == 1)
