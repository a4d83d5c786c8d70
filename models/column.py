"""One named column of per-series state: each module declares its own, the state table is their sum."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor

State = Mapping[str, Tensor]  # column name -> (B, *shape)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of state. A reader of old state compares name, shape, dtype and version."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]  # of one row
    initial: float | Tensor = field(default=0.0, compare=False)  # of one row; a column is what it holds
    version: int = 1

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * prod(self.shape)

    def fresh(self, rows: int, device: torch.device | str = "cpu") -> Tensor:
        """State of series nobody has seen. -> (rows, *shape)."""
        initial = torch.as_tensor(self.initial, dtype=self.dtype, device=device)
        return initial.expand(rows, *self.shape).clone(memory_format=torch.contiguous_format)


def fresh_state(columns: tuple[Column, ...], rows: int, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """The initial value of every column, for ``rows`` series."""
    return {column.name: column.fresh(rows, device) for column in columns}
