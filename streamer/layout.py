"""The layout of a row: columns of several dtypes side by side, packed into one piece of memory."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from models.column import Column, State

WORD = 4  # bytes of a row's int32
_LINE = 16  # words a row is rounded up to: one cache line


class Layout:
    """Where each column lies in a row of words."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._stretches = _stretches(columns)
        self._places = {
            column.name: (stretch, place) for stretch in self._stretches for place, column in enumerate(stretch.columns)
        }
        self._used = self._stretches[-1].stop
        self._half_used = [of.stop - 1 for of in self._stretches if of.items * of.dtype.itemsize % WORD]  # words
        self.count = len(self._stretches)  # of dtypes
        self.words = -(-self._used // _LINE) * _LINE

    def views(self, block: Tensor) -> dict[str, Tensor]:
        """The columns where they lie, without a copy. block: (B, words) int32 -> name: (B, *shape)."""
        return self.columns(self.cut(block))

    def pack(self, state: State) -> Tensor:
        """The columns side by side. name: (B, *shape) -> (B, words) int32."""
        return self.paste(self.stretches(state))

    def cut(self, block: Tensor) -> tuple[Tensor, ...]:
        """What there is of each dtype, without a copy. (B, words) int32 -> (B, items) each."""
        words = (block[:, stretch.start : stretch.stop].view(stretch.dtype) for stretch in self._stretches)
        return tuple(
            items[:, : stretch.items] if items.shape[1] > stretch.items else items
            for items, stretch in zip(words, self._stretches, strict=True)
        )

    def paste(self, stretches: Sequence[Tensor]) -> Tensor:
        """(B, items) of each dtype -> (B, words) int32."""
        rest = stretches[0].new_zeros((len(stretches[0]), self.words - self._used), dtype=torch.int32)
        return torch.cat((*map(_in_words, stretches), rest), dim=1)

    def view(self, block: Tensor, name: str) -> Tensor:
        """One column where it lies, sooner than all of them. -> (B, *shape)."""
        stretch, place = self._places[name]
        first, column = sum(stretch.sizes[:place]), stretch.columns[place]
        items = block[:, stretch.start : stretch.stop].view(stretch.dtype)
        return items[:, first : first + stretch.sizes[place]].view(-1, *column.shape)

    def empty(self, rows: int) -> Tensor:
        """A block to be written into. -> (B, words) int32."""
        return torch.empty((rows, self.words), dtype=torch.int32)

    def blank(self, rows: int) -> Tensor:
        """The same where it is kept: what no column has is always nothing. -> (B, words) int32."""
        block = self.empty(rows)
        block[:, self._used :] = 0
        for word in self._half_used:
            block[:, word] = 0
        return block

    def columns(self, stretches: Sequence[Tensor]) -> dict[str, Tensor]:
        """The columns of stretches, without a copy. -> name: (B, *shape)."""
        columns = {}
        for stretch, items in zip(self._stretches, stretches, strict=True):
            parts = items.split_with_sizes(stretch.sizes, dim=1)
            for column, part in zip(stretch.columns, parts, strict=True):
                columns[column.name] = part if len(column.shape) == 1 else part.view(-1, *column.shape)
        return columns

    def stretches(self, state: State) -> tuple[Tensor, ...]:
        """The columns of each dtype side by side. name: (B, *shape) -> (B, items) each."""
        return tuple(
            torch.cat([_flat(state[column.name]) for column in stretch.columns], dim=1) for stretch in self._stretches
        )


class _Stretch(NamedTuple):
    """Columns of one dtype that lie side by side in a row of the slab, so that they are cut and joined at once."""

    dtype: torch.dtype
    columns: list[Column]
    sizes: list[int]  # items of each
    items: int  # of all
    start: int  # words
    stop: int


def _stretches(columns: Sequence[Column]) -> list[_Stretch]:
    """The widest items come first, and so are aligned."""
    by_dtype: dict[torch.dtype, list[Column]] = {}
    for column in sorted(columns, key=lambda column: -column.dtype.itemsize):
        by_dtype.setdefault(column.dtype, []).append(column)
    stretches, start = [], 0
    for dtype, of_dtype in by_dtype.items():
        stop = start + -(-sum(column.row_bytes for column in of_dtype) // WORD)
        sizes = [prod(column.shape) for column in of_dtype]
        stretches.append(_Stretch(dtype, of_dtype, sizes, sum(sizes), start, stop))
        start = stop
    return stretches


def _in_words(items: Tensor) -> Tensor:
    """Items of narrow dtypes are filled up to a whole word. (B, items) -> (B, words) int32."""
    missing = -items.shape[1] * items.itemsize % WORD // items.itemsize
    return torch.nn.functional.pad(items, (0, missing)).view(torch.int32) if missing else items.view(torch.int32)


def _flat(column: Tensor) -> Tensor:
    """A row of items a series. (B, *shape) -> (B, N)."""
    if column.dim() == 2:
        return column
    return column.unsqueeze(1) if column.dim() == 1 else column.flatten(1)
