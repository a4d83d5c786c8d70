"""The contract of every cell and every wrapper."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.cells import TILE_ROWS, Cell
from tests.models.cells.every_cell import FEATURES, MAKES, Sequence, difference, made, scanned, stepped


@pytest.fixture(params=sorted(MAKES))
def cell(request: pytest.FixtureRequest) -> Cell:
    return made(request.param)


def test_state_and_output_have_the_shapes_that_are_promised(cell: Cell) -> None:
    state = cell.initial_state(TILE_ROWS)

    y, after = cell.step(torch.ones(TILE_ROWS, FEATURES), state)

    assert y.shape == (TILE_ROWS, cell.hidden)
    for held in (state, after, cell.rest(after), scanned(cell, Sequence.drawn(3))[1]):
        assert {name: tuple(column.shape[1:]) for name, column in held.items()} == cell.state_shapes
        assert all(column.dtype == torch.float32 for column in held.values())
    assert not any(column.any() for column in state.values())


def test_a_scan_equals_repeated_steps(cell: Cell) -> None:
    sequence = Sequence.drawn(23)

    assert difference(scanned(cell, sequence), stepped(cell, sequence)) < 2e-5
    assert difference(scanned(cell.double(), sequence.double()), stepped(cell, sequence.double())) < 1e-11


def test_a_scan_without_gaps_and_holes_equals_repeated_steps(cell: Cell) -> None:
    x, start = Sequence.drawn(40).x.double(), cell.double().initial_state(TILE_ROWS)

    ours = cell.scan(x, start)

    always = Sequence(x, torch.ones(x.shape[:2]).double(), torch.ones(x.shape[:2], dtype=torch.bool))
    assert difference(ours, stepped(cell, always)) < 1e-11


@pytest.mark.parametrize("name", sorted(MAKES))
@given(cuts=st.lists(st.integers(1, 16), max_size=3, unique=True), seed=st.integers(0, 99))
@settings(max_examples=6, deadline=None)
def test_a_sequence_equals_its_parts_cut_anywhere(name: str, cuts: list[int], seed: int) -> None:
    cell, sequence = made(name).double(), Sequence.drawn(17, rows=3, seed=seed).double()

    outputs, state = [], cell.initial_state(3)
    for start, stop in pairwise([0, *sorted(cuts), 17]):
        y, state = scanned(cell, sequence.part(slice(start, stop)), state)
        outputs.append(y)

    assert difference((torch.cat(outputs), state), scanned(cell, sequence)) < 1e-11


def test_a_batch_equals_each_series_alone(cell: Cell) -> None:
    sequence = Sequence.drawn(12, rows=5).double()

    y, state = scanned(cell.double(), sequence)

    for row in range(5):
        alone = scanned(cell, sequence.part(rows=slice(row, row + 1)))
        assert difference((y[:, row : row + 1], {n: h[row : row + 1] for n, h in state.items()}), alone) < 1e-12


def test_a_row_has_the_same_bits_alone_and_in_any_place_of_any_batch(cell: Cell) -> None:
    sequence = Sequence.drawn(9, rows=1024)
    together, state = stepped(cell, sequence)

    for rows, row, place in ((32, 0, 0), (32, 40, 31), (96, 95, 17), (256, 1023, 255)):
        alone = Sequence(torch.zeros(9, rows, FEATURES), torch.ones(9, rows), torch.ones(9, rows, dtype=torch.bool))
        for ours, theirs in zip(vars(alone).values(), vars(sequence).values(), strict=True):
            ours[:, place] = theirs[:, row]
        y, after = stepped(cell, alone)
        assert torch.equal(y[:, place], together[:, row])
        assert all(torch.equal(after[name][place], state[name][row]) for name in state)


def test_single_precision_stays_near_double(cell: Cell) -> None:
    sequence = Sequence.drawn(200, rows=4)
    single = scanned(cell, sequence)

    assert difference(single, scanned(cell.double(), sequence.double())) < 1e-4


def test_mixed_precision_leaves_state_and_output_single(cell: Cell) -> None:
    sequence = Sequence.drawn(100, rows=4)
    single = scanned(cell, sequence)

    with torch.autocast("cpu", torch.bfloat16):
        mixed = scanned(cell, sequence)

    assert all(column.dtype == torch.float32 for column in (mixed[0], *mixed[1].values()))
    assert 0 < difference(mixed, single) < 0.2


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 1e9, 3.4e38])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30, -1e30])
def test_everything_stays_finite_on_hostile_input(cell: Cell, size: float, elapsed: float) -> None:
    x = torch.full((20, TILE_ROWS, FEATURES), size)
    x[-1] = 1.0
    hostile = Sequence(x, torch.full((20, TILE_ROWS), elapsed), torch.arange(20 * TILE_ROWS).view(20, -1) % 7 > 0)

    for y, state in (stepped(cell, hostile), scanned(cell, hostile)):
        assert y.isfinite().all()
        assert all(column.isfinite().all() for column in state.values())


def test_gradients_stay_finite_where_every_gate_is_shut_or_open(cell: Cell) -> None:
    sequence = Sequence.drawn(20, rows=4)
    hostile = Sequence(sequence.x.sign() * 1e4, sequence.elapsed, sequence.mask)

    y, _ = scanned(cell.requires_grad_(), hostile)
    y.square().mean().backward()  # type: ignore[no-untyped-call]

    gradients = [parameter.grad for parameter in cell.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_gradients_agree_with_finite_differences(cell: Cell) -> None:
    small = cell.double().requires_grad_()
    sequence = Sequence.drawn(4, rows=2).double()
    _, before = scanned(small, Sequence.drawn(3, rows=2, seed=1).double())
    start = {name: column.detach() for name, column in before.items()}
    weight = torch.randn(4, 2, cell.hidden, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def loss(x: Tensor, *_parameters: Tensor) -> Tensor:
        y, after = small.scan(x, start, sequence.elapsed, sequence.mask)
        return (y * weight).sum() + sum(column.sum() for column in after.values())

    assert torch.autograd.gradcheck(loss, (sequence.x.requires_grad_(), *small.parameters()), fast_mode=True)


def test_a_row_without_an_input_says_nothing_and_only_lets_the_time_pass(cell: Cell) -> None:
    sequence = Sequence.drawn(6)
    y, before = stepped(cell, sequence.part(slice(5)))

    last = sequence.part(slice(5, 6))
    y, after = stepped(cell, last, before)

    unmasked, expected = cell.step(last.x[0], before, last.elapsed[0])
    rested = cell.rest(before, last.elapsed[0])
    mask = last.mask[0]
    assert 0 < mask.sum() < TILE_ROWS
    assert torch.equal(y[0, mask], unmasked[mask])
    assert not y[0, ~mask].any()
    for name in cell.state_shapes:
        assert torch.equal(after[name][mask], expected[name][mask])
        assert torch.equal(after[name][~mask], rested[name][~mask])


def test_what_a_row_without_an_input_holds_does_not_matter(cell: Cell) -> None:
    sequence = Sequence.drawn(12)
    spoilt = Sequence(sequence.x.masked_fill(~sequence.mask.unsqueeze(-1), 1e6), sequence.elapsed, sequence.mask)

    assert difference(scanned(cell, spoilt), scanned(cell, sequence)) == 0


def test_no_elapsed_time_is_one_step(cell: Cell) -> None:
    x, ones = Sequence.drawn(6).x, torch.ones(TILE_ROWS)
    _, state = stepped(cell, Sequence.drawn(6, seed=1))

    ours = cell.step(x[0], state)

    assert difference(ours, cell.step(x[0], state, ones)) < 1e-6
    assert difference((x, cell.rest(state)), (x, cell.rest(state, ones))) < 1e-6


def test_the_state_given_is_not_changed(cell: Cell) -> None:
    sequence = Sequence.drawn(3)
    _, state = stepped(cell, sequence)
    before = {name: column.clone() for name, column in state.items()}

    stepped(cell, sequence, state)
    scanned(cell, sequence, state)

    assert all(torch.equal(state[name], before[name]) for name in before)


def test_the_state_holds_more_than_the_last_input(cell: Cell) -> None:
    sequence = Sequence.drawn(2)
    unlike = Sequence(sequence.x + torch.tensor([1.0, 0.0])[:, None, None], sequence.elapsed, sequence.mask)

    _, one = stepped(cell, sequence)
    _, other = stepped(cell, unlike)

    assert any((one[name] - other[name]).abs().max() > 1e-3 for name in one)
