"""Cells learn what lies a hundred steps back: the adding and the copy task in every run of the tests."""

import pytest
import torch

from docs.gradients.lags import CONTENDERS, SOLVED, Attempt, attempt, attempt_table, open_gates
from docs.gradients.reach import gates
from docs.gradients.tasks import Adding, Copying
from models.cells import GRU, LSTM, RNN

BY_NAME = {contender.name: contender for contender in CONTENDERS}


@pytest.mark.slow
def test_a_gru_learns_to_add_numbers_a_hundred_steps_apart() -> None:
    task = Adding(100)

    course = attempt(BY_NAME["gru"], task, steps=1000, seed=0)

    assert course.is_solved(SOLVED, task.baseline)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gru, open gates", "rg_lru"])
def test_a_cell_learns_to_copy_over_a_hundred_steps(name: str) -> None:
    task = Copying(100)

    course = attempt(BY_NAME[name], task, steps=1000, seed=0)

    assert course.is_solved(SOLVED, task.baseline)


def test_a_plain_network_does_not_learn_in_the_steps_in_which_a_linear_one_does() -> None:
    task = Adding(100)

    plain, linear = (attempt(BY_NAME[name], task, steps=200, seed=0) for name in ("rnn", "rg_lru"))

    assert plain.recent_loss > 0.9 * task.baseline
    assert linear.is_solved(SOLVED, task.baseline)


@pytest.mark.parametrize("cell", [GRU, LSTM])
def test_open_gates_have_half_lives_up_to_the_lag(cell: type[GRU | LSTM]) -> None:
    torch.manual_seed(0)
    opened = cell(2, 256)
    for weight in (opened.input.weight, opened.recurrent.weight):
        torch.nn.init.zeros_(weight)

    open_gates(opened, lag=100)

    kept = gates(opened, torch.zeros(3, 1, 2))
    assert kept is not None
    memory = 1 / (1 - kept.detach())  # steps: 1 + exp(bias), which is drawn from 1 to the lag - 1
    assert memory.min().item() > 2 - 1e-4
    assert 90 < memory.max().item() < 100 + 1e-2


def test_only_gates_can_be_opened() -> None:
    with pytest.raises(TypeError, match="expected a GRU or an LSTM, got RNN"):
        open_gates(RNN(2, 8), lag=100)


def test_the_table_tells_solved_from_given_up_and_from_not_run() -> None:
    rows = [
        Attempt("adding", 400, "gru", [500], [1.01]),
        Attempt("adding", 100, "gru", [350], [0.09]),
        Attempt("adding", 100, "rnn", [500], [0.98]),
    ]

    lines = attempt_table(rows).splitlines()

    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line] == [
        ["cell", "adding at 100", "adding at 400"],
        ["rnn", "no in 500 (0.98)", "not run"],
        ["gru", "in 350", "no in 500 (1.01)"],
    ]
