"""Recurrent cells: the core under every sequence model here."""

from models.cells.cell import Cell, CellState
from models.cells.gru import GRU
from models.cells.lstm import LSTM
from models.cells.rnn import RNN
from models.cells.tiles import TILE_ROWS, TiledLinear, padded_rows

CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}

__all__ = ["CELLS", "GRU", "LSTM", "RNN", "TILE_ROWS", "Cell", "CellState", "TiledLinear", "padded_rows"]
