"""How far a cell remembers, where the answer is known."""

import math

import pytest
import torch

from docs.gradients.fitting import Reader
from docs.gradients.reach import Reach, half_lives, norms
from models.cells import GRU, LSTM, RNN, Attention, Cell, MinGRU

KEPT = 0.9
SECOND = slice(4, 8)  # of a cell of 4 units: the columns of the GRU's z and the LSTM's f


def holding(make: type[GRU | LSTM | MinGRU]) -> Cell:
    """A cell whose gates keep `KEPT` whatever comes in."""
    cell = make(1, 4)
    bias = math.log(KEPT / (1 - KEPT))
    with torch.no_grad():
        if isinstance(cell, MinGRU):
            cell.input.weight[:, :4] = 0
            cell.input.bias[:4] = -bias  # its z is what is replaced
        else:
            cell.input.weight[:, SECOND] = cell.recurrent.weight[:, SECOND] = 0
            cell.input.bias[SECOND], cell.recurrent.bias[SECOND] = bias, 0
    return cell


@pytest.mark.parametrize("make", [GRU, LSTM, MinGRU])
def test_a_gate_that_always_keeps_the_same_share_has_the_half_life_of_a_decay(make: type[GRU | LSTM | MinGRU]) -> None:
    found = half_lives(holding(make), torch.randn(20, 3, 1))

    assert found == pytest.approx([math.log(2) / -math.log(KEPT)] * 4, rel=1e-4)


@pytest.mark.parametrize("make", [RNN, Attention])
def test_where_there_is_no_gate_there_is_no_half_life(make: type[Cell]) -> None:
    assert half_lives(make(1, 8), torch.randn(5, 3, 1)) == []


def test_a_gradient_fades_as_the_gates_keep() -> None:
    found = norms(Reader(holding(MinGRU), 1), torch.randn(20, 3, 1))

    torch.testing.assert_close(found, KEPT ** torch.arange(20.0), rtol=1e-4, atol=0)


def test_attention_owes_nothing_to_what_left_its_window() -> None:
    torch.manual_seed(0)

    found = norms(Reader(Attention(1, 8, window=6), 1), torch.randn(20, 3, 1))

    assert found[:6].gt(0).all()
    assert found[6:].eq(0).all()


def test_the_reach_is_the_largest_lag_at_which_a_hundredth_is_left() -> None:
    assert Reach("gru", False, [1.0, 0.005, 0.02, 0.009], 1.0, []).steps == 2
