"""The one matrix product of live steps: 32-row tiles, so that no bit of a row depends on how many rows came with it.

A plain ``addmm`` picks its kernel by the batch size, and rows differ in their last bits between batches of 1, 2, 3 and
more. In zero-padded tiles of 32 rows, multiplied by ``baddbmm``, they do not, unless columns are left over where those
of a whole vector end: with 9 columns of AVX2, a row's bits depend on its place in the tile. So columns are padded too.
On a GPU a tile alone is multiplied twice. The test of tiles asserts all of it, on the device that there is.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.jit import is_tracing  # type: ignore[attr-defined]  # exported in silence
from torch.nn import functional

TILE_ROWS = 32
TILE_COLUMNS = 16  # numbers in the widest vector

Product = Callable[["TiledLinear", Tensor], Tensor]  # how a matrix is multiplied: `TiledLinear.forward` or `whole`


class TiledLinear(nn.Module):
    """``y = x W + b`` in tiles of 32 rows. Weight (F, H), bias (H,), drawn from U(-1/sqrt(fan), 1/sqrt(fan))."""

    def __init__(self, inputs: int, outputs: int, fan: int | None = None) -> None:
        super().__init__()
        bound = 1 / math.sqrt(fan or inputs)
        self.weight = nn.Parameter(torch.empty(inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        self._lacking = -outputs % TILE_COLUMNS

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, F) -> (B, H). B must be a multiple of `TILE_ROWS`, else ValueError."""
        rows, inputs = x.shape
        if not is_tracing() and rows % TILE_ROWS:  # a recording is of a shape that has passed
            raise ValueError(f"TiledLinear: expected a multiple of {TILE_ROWS} rows, got {rows}")
        tiles = x.reshape(-1, TILE_ROWS, inputs)
        if x.is_cuda and rows == TILE_ROWS:  # for a tile alone a GPU has another kernel
            return self._product(tiles.expand(2, -1, -1))[:TILE_ROWS]
        return self._product(tiles)

    def _product(self, tiles: Tensor) -> Tensor:
        """(N, TILE_ROWS, F) -> (N * TILE_ROWS, H)."""
        weight = self._padded(self.weight).expand(len(tiles), -1, -1)
        bias = self._padded(self.bias).expand(len(tiles), TILE_ROWS, -1)
        product = torch.baddbmm(bias, tiles, weight).flatten(0, 1)
        return product[:, : -self._lacking] if self._lacking else product

    def _padded(self, columns: Tensor) -> Tensor:
        """Whole vectors of columns. (..., H) -> (..., at least H)."""
        return functional.pad(columns, (0, self._lacking)) if self._lacking else columns

    def whole(self, x: Tensor) -> Tensor:
        """The same product in one piece, to train with: its bits depend on the batch. x: (..., F) -> (..., H).

        Under autocast the product alone is of half precision: what a cell adds up over time is not.
        """
        return functional.linear(x, self.weight.T, self.bias).to(x.dtype)


def whole_tiles(rows: int) -> int:
    """The least number of rows, ``rows`` or more, that whole tiles have."""
    return -(-rows // TILE_ROWS) * TILE_ROWS


def padded_rows(rows: int) -> int:
    """The size of the ladder that holds ``rows``: 32, 64, 128, ... so that few shapes ever occur."""
    return TILE_ROWS << max(0, math.ceil(math.log2(rows / TILE_ROWS))) if rows > TILE_ROWS else TILE_ROWS
