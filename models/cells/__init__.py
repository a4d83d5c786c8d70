"""Recurrent cells: the core under every sequence model here."""

from models.cells.cell import Cell, CellState
from models.cells.gru import GRU
from models.cells.lstm import LSTM
from models.cells.tiles import TILE_ROWS, TiledLinear, padded_rows

CELLS: dict[str, type[Cell]] = {"gru": GRU, "lstm": LSTM}

__all__ = ["CELLS", "GRU", "LSTM", "TILE_ROWS", "Cell", "CellState", "TiledLinear", "padded_rows"]
