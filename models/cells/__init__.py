"""Recurrent cells: the core under every sequence model here."""

from models.cells.attention import Attention
from models.cells.bidirectional import Bidirectional
from models.cells.cell import Cell, CellState
from models.cells.gru import GRU
from models.cells.linear_scan import linear_scan
from models.cells.lru import LRU
from models.cells.lstm import LSTM
from models.cells.min_gru import MinGRU
from models.cells.rg_lru import RGLRU
from models.cells.rnn import RNN
from models.cells.stack import Block, Residual, Stack, deep
from models.cells.tiles import TILE_ROWS, TiledLinear, padded_rows, whole_tiles

CELLS: dict[str, type[Cell]] = {
    "rnn": RNN,
    "gru": GRU,
    "lstm": LSTM,
    "min_gru": MinGRU,
    "rg_lru": RGLRU,
    "lru": LRU,
    "attention": Attention,
}

__all__ = [
    "CELLS",
    "GRU",
    "LRU",
    "LSTM",
    "RGLRU",
    "RNN",
    "TILE_ROWS",
    "Attention",
    "Bidirectional",
    "Block",
    "Cell",
    "CellState",
    "MinGRU",
    "Residual",
    "Stack",
    "TiledLinear",
    "deep",
    "linear_scan",
    "padded_rows",
    "whole_tiles",
]
