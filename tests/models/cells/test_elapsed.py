"""What elapsed time does, by the law of each cell."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from models.cells import CELLS, LRU, RGLRU, Cell
from models.cells.attention import MAX_ELAPSED
from tests.models.cells.every_cell import FEATURES, Sequence, difference, made, stepped

ROWS = 32


def after_some_steps(cell: Cell) -> dict[str, Tensor]:
    return stepped(cell, Sequence.drawn(7).double())[1]


def lasting(steps: float) -> Tensor:
    return torch.full((ROWS,), steps, dtype=torch.float64)


def of_kind(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", [pytest.param(made(name).double(), id=name) for name in names])


@of_kind("rnn", "gru", "lstm", "min_gru")
def test_where_gates_count_steps_the_state_fades_by_a_power_of_the_steps_missed(cell: Cell) -> None:
    before = after_some_steps(cell)

    after = cell.rest(before, lasting(8))

    rate = math.log1p(math.exp(-2))
    for name in cell.state_shapes:
        torch.testing.assert_close(after[name], before[name] * 8**-rate)
        assert torch.equal(cell.rest(before, lasting(0.5))[name], before[name])


@of_kind("rnn", "gru", "lstm", "min_gru", "lru", "attention")
def test_to_rest_and_then_to_step_with_nothing_missed_is_to_step_over_both(cell: Cell) -> None:
    before = after_some_steps(cell)
    x, first = Sequence.drawn(1, seed=2).x[0].double(), 4.5

    # A cell that counts steps misses all of the first time; one that counts time lets both of them pass.
    counts_time = "forgetting" not in dict(cell.named_parameters())
    ours = cell.step(x, cell.rest(before, lasting(first)), lasting(2.0 if counts_time else 1.0))

    assert difference(ours, cell.step(x, before, lasting(first + 2.0 if counts_time else first))) < 1e-12


@of_kind("lru", "rg_lru", "attention")
def test_to_rest_twice_is_to_rest_for_both_times(cell: Cell) -> None:
    before = after_some_steps(cell)

    twice = cell.rest(cell.rest(before, lasting(0.7)), lasting(1.6))

    once = cell.rest(before, lasting(2.3))
    assert max(float((twice[name] - once[name]).abs().max()) for name in once) < 1e-12


def test_the_lru_turns_and_fades_by_lambda_to_the_elapsed_time() -> None:
    cell = made("lru").double()
    assert isinstance(cell, LRU)
    before = after_some_steps(cell)

    after = cell.rest(before, lasting(3.5))

    held = torch.complex(before["real"], before["imaginary"])
    lam = torch.exp(-torch.exp(cell.nu) + 1j * torch.exp(cell.theta))
    assert float((torch.complex(after["real"], after["imaginary"]) - held * lam**3.5).abs().max()) < 1e-12


def test_the_rg_lru_rests_as_it_steps_where_its_input_is_zero() -> None:
    cell = made("rg_lru").double()
    assert isinstance(cell, RGLRU)
    cell.input.bias.zero_()
    before = after_some_steps(cell)

    _, after = cell.step(torch.zeros(ROWS, FEATURES, dtype=torch.float64), before, lasting(5.5))

    assert difference((after["hidden"], after), (cell.rest(before, lasting(5.5))["hidden"], after)) < 1e-12


def test_attention_forgets_nothing_over_a_gap_but_knows_its_length() -> None:
    cell = made("attention").double()
    before = after_some_steps(cell)

    after = cell.rest(before, lasting(100))

    assert torch.equal(after["keys"], before["keys"])
    assert torch.equal(after["values"], before["values"])
    assert torch.equal(after["ages"][before["ages"] > 0], before["ages"][before["ages"] > 0] + 100)
    assert torch.equal(cell.rest(before, lasting(1e9))["ages"], cell.rest(before, lasting(MAX_ELAPSED))["ages"])
    x = Sequence.drawn(1).x[0].double()
    assert (cell.step(x, after)[0] - cell.step(x, before)[0]).abs().max() > 1e-3


def test_attention_holds_the_last_inputs_of_its_window_and_none_before() -> None:
    cell = made("attention").double()
    x = Sequence.drawn(9, seed=4).x.double()
    _, first = cell.scan(x, after_some_steps(cell))

    _, other = cell.scan(x, cell.initial_state(ROWS))

    assert difference((x, first), (x, other)) < 1e-12
    assert first["ages"][0].tolist() == [5, 4, 3, 2, 1]


@of_kind(*sorted(CELLS))
def test_a_longer_gap_leaves_no_more_of_what_was(cell: Cell) -> None:
    before = after_some_steps(cell)
    names = [name for name in cell.state_shapes if name != "ages"]

    sizes = [
        sum(float(cell.rest(before, lasting(gap))[name].square().sum()) for name in names)
        for gap in (0.0, 1.0, 2.0, 64.0, 1e9)
    ]

    assert all(shorter >= longer - 1e-12 for shorter, longer in pairwise(sizes))
