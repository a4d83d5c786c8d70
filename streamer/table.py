"""The state table: every column of every series of one partition, as one slab on the device."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from connectors.columns import Int64
from models.column import Column, fresh_state
from streamer.layout import WORD, Layout
from streamer.room import Room
from streamer.series_rows import FIRST_CAPACITY


class StateTable:
    """Columns packed into one slab ``(capacity, words)``, so that a series' state moves as one piece of memory."""

    def __init__(self, columns: Sequence[Column], device: torch.device | str = "cpu") -> None:
        self.layout = Layout(columns)
        self.words = self.layout.words
        self._fresh = self.layout.pack(fresh_state(tuple(columns), 1)).to(device)
        self._slab = self._fresh.expand(FIRST_CAPACITY, -1).clone()

    @property
    def row_bytes(self) -> int:
        """Bytes a series costs on the device."""
        return self.words * WORD

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
        return self._slab.numel() * WORD

    @property
    def views(self) -> dict[str, Tensor]:
        """The columns where they lie, until the table grows. -> name: (capacity, *shape)."""
        return self.layout.views(self._slab)

    def ensure(self, rows: int) -> None:
        """Make room for this many rows; new ones hold the initial values."""
        capacity = self._slab.shape[0]
        if rows > capacity:
            more = max(rows, 2 * capacity) - capacity
            self._slab = torch.cat((self._slab, self._fresh.expand(more, -1)))

    def gather(self, rows: Tensor) -> Tensor:
        """These rows, a copy, whose columns `layout` tells. rows: (B,) int64 -> (B, words)."""
        return self._slab.index_select(0, rows)

    def scatter(self, rows: Tensor, block: Tensor) -> None:
        """Store these rows, each of which occurs once. The block may be longer: padding is left out."""
        self._slab.index_copy_(0, rows, block[: len(rows)])

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
        return {name: view.numpy() for name, view in self.layout.views(block).items()}

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
