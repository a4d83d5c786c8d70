"""The state table: every column of every series of one partition, as one slab on the device."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from connectors.columns import Int64
from models.column import Column, State, fresh_state
from streamer.room import Room
from streamer.series_rows import FIRST_CAPACITY

_WORD = 4  # bytes of the slab's int32
_LINE = 16  # words a row is rounded up to: one cache line


class StateTable:
    """Columns packed into one slab ``(capacity, words)``, so that a series' state moves as one piece of memory."""

    def __init__(self, columns: Sequence[Column], device: torch.device | str = "cpu") -> None:
        self._stretches = _stretches(columns)
        self._used = self._stretches[-1].stop
        self.words = -(-self._used // _LINE) * _LINE
        self._fresh = self._pack(fresh_state(tuple(columns), 1), "cpu").to(device)
        self._slab = self._fresh.expand(FIRST_CAPACITY, -1).clone()

    @property
    def row_bytes(self) -> int:
        """Bytes a series costs on the device."""
        return self.words * _WORD

    @property
    def device(self) -> torch.device:
        """Where the slab lies."""
        return self._slab.device

    @property
    def rows(self) -> int:
        """Rows there is room for, the padding row among them."""
        return self._slab.shape[0]

    @property
    def size_bytes(self) -> int:
        """Bytes of the slab, free rows included."""
        return self._slab.numel() * _WORD

    @property
    def views(self) -> dict[str, Tensor]:
        """The columns where they lie, until the table grows. -> name: (capacity, *shape)."""
        return self._views(self._slab)

    def ensure(self, rows: int) -> None:
        """Make room for this many rows; new ones hold the initial values."""
        capacity = self._slab.shape[0]
        if rows > capacity:
            more = max(rows, 2 * capacity) - capacity
            self._slab = torch.cat((self._slab, self._fresh.expand(more, -1)))

    def gather(self, rows: Tensor) -> dict[str, Tensor]:
        """The state of these rows, a copy. rows: (B,) int64 -> name: (B, *shape)."""
        return self._views(self._slab.index_select(0, rows))

    def scatter(self, rows: Tensor, state: State) -> None:
        """Store the state of these rows, each of which occurs once. State may be longer: padding is left out."""
        packed = self._pack(state, self._slab.device)
        self._slab.index_copy_(0, rows, packed[: len(rows)])

    @torch.inference_mode()
    def take(self, names: Iterable[str], rows: Int64, other: Mapping[str, Tensor], other_rows: Int64) -> None:
        """Take these columns over from the `views` of another table on the same device. rows, other_rows: (N,)."""
        ours, to = self.views, torch.from_numpy(rows).to(self.device)
        place = torch.from_numpy(other_rows).to(self.device)
        for name in names:
            ours[name][to] = other[name][place]

    @torch.inference_mode()
    def reset(self, rows: Tensor) -> None:
        """Give these rows their initial values again. rows: (B,) int64."""
        self._slab[rows.to(self.device)] = self._fresh

    @torch.inference_mode()
    def export(self, rows: NDArray[np.int64] | slice, room: Room) -> Tensor:
        """Copy rows to the host as they lie, and return when they are there. rows: (N,) -> (N, words)."""
        if self.device.type == "cpu":
            return torch.from_numpy(room.copy(self._slab.numpy(), rows))
        chosen = self._slab[rows if isinstance(rows, slice) else torch.from_numpy(rows).to(self.device)]
        return torch.from_numpy(room.cut(tuple(chosen.shape), np.int32)).copy_(chosen)

    def columns_of(self, block: Tensor) -> dict[str, NDArray[Any]]:
        """The columns of exported rows, without a copy. block: (N, words) -> name: (N, *shape), not contiguous."""
        return {name: view.numpy() for name, view in self._views(block).items()}

    @torch.inference_mode()
    def load(self, rows: slice, columns: Mapping[str, NDArray[Any]]) -> None:
        """Fill rows by columns from outside; a column that is not given takes its initial value there.

        rows: of N; name: (N, *shape).

        Raises:
            ValueError: a column is none of the table's, or has another dtype or shape.
        """
        self.ensure(rows.stop)
        place = self._slab[rows]
        place[...] = self._fresh
        block = place.cpu()  # the place itself, where it is on the host
        views = self.columns_of(block)
        for name, given in columns.items():
            expected = views.get(name)
            if expected is None:
                raise ValueError(f"state: Expected columns among {sorted(views)}, got {name!r}")
            if (given.dtype, given.shape) != (expected.dtype, expected.shape):
                fits, came = f"{expected.dtype} {expected.shape}", f"{given.dtype} {given.shape}"
                raise ValueError(f"state column {name!r}: Expected {fits}, got {came}")
            expected[...] = given
        if self.device.type != "cpu":
            place.copy_(block)

    def _pack(self, state: State, device: torch.device | str) -> Tensor:
        """The columns side by side. -> (B, words)."""
        parts = [
            torch.cat([_flat(state[column.name]) for column in stretch.columns], dim=1).view(torch.int32)
            for stretch in self._stretches
        ]
        rest = torch.zeros((len(parts[0]), self.words - self._used), dtype=torch.int32, device=device)
        return torch.cat((*parts, rest), dim=1)

    def _views(self, block: Tensor) -> dict[str, Tensor]:
        rows, views = len(block), {}
        for stretch in self._stretches:
            parts = block[:, stretch.start : stretch.stop].view(stretch.dtype).split_with_sizes(stretch.sizes, dim=1)
            for column, part in zip(stretch.columns, parts, strict=True):
                views[column.name] = part if len(column.shape) == 1 else part.view(rows, *column.shape)
        return views


class _Stretch(NamedTuple):
    """Columns of one dtype that lie side by side in a row of the slab, so that they are cut and joined at once."""

    dtype: torch.dtype
    columns: list[Column]
    sizes: list[int]  # items of each
    start: int  # words
    stop: int


def _stretches(columns: Sequence[Column]) -> list[_Stretch]:
    """The widest items come first, and so are aligned."""
    by_dtype: dict[torch.dtype, list[Column]] = {}
    for column in sorted(columns, key=lambda column: -column.dtype.itemsize):
        by_dtype.setdefault(column.dtype, []).append(column)
    stretches, start = [], 0
    for dtype, of_dtype in by_dtype.items():
        stop = start + sum(column.row_bytes for column in of_dtype) // _WORD
        stretches.append(_Stretch(dtype, of_dtype, [prod(column.shape) for column in of_dtype], start, stop))
        start = stop
    return stretches


def _flat(column: Tensor) -> Tensor:
    """A row of items a series. (B, *shape) -> (B, N)."""
    if column.dim() == 2:
        return column
    return column.unsqueeze(1) if column.dim() == 1 else column.flatten(1)
