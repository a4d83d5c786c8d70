"""The contract of every cell, and each cell against torch's own."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models.cells import CELLS, TILE_ROWS, Cell

FEATURES, HIDDEN = 5, 8


@pytest.fixture(params=sorted(CELLS))
def cell(request: pytest.FixtureRequest) -> Cell:
    torch.manual_seed(3)
    return CELLS[request.param](FEATURES, HIDDEN).requires_grad_(False)


def sequence(length: int, rows: int = TILE_ROWS, seed: int = 0) -> Tensor:
    return torch.randn(length, rows, FEATURES, generator=torch.Generator().manual_seed(seed))


def stepped(cell: Cell, x: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    outputs = []
    for moment in x:
        y, state = cell.step(moment, state)
        outputs.append(y)
    return torch.stack(outputs), state


def test_a_scan_equals_repeated_steps(cell: Cell) -> None:
    x = sequence(17)

    y, state = cell.scan(x, cell.initial_state(TILE_ROWS))

    expected, expected_state = stepped(cell, x, cell.initial_state(TILE_ROWS))
    assert (y - expected).abs().max() < 1e-6
    assert all((state[name] - expected_state[name]).abs().max() < 1e-6 for name in cell.state_shapes)


@pytest.mark.parametrize("cut", [1, 7, 16])
def test_a_sequence_equals_its_two_halves(cell: Cell, cut: int) -> None:
    x = sequence(17)

    head, state = cell.scan(x[:cut], cell.initial_state(TILE_ROWS))
    tail, _ = cell.scan(x[cut:], state)

    whole, _ = cell.scan(x, cell.initial_state(TILE_ROWS))
    assert (torch.cat((head, tail)) - whole).abs().max() < 1e-6


def test_a_row_has_the_same_bits_alone_and_in_any_place_of_any_batch(cell: Cell) -> None:
    x = sequence(9, rows=96)
    together, _ = stepped(cell, x, cell.initial_state(96))

    for row, place in ((0, 0), (40, 31), (95, 17)):
        alone = torch.zeros(9, TILE_ROWS, FEATURES)
        alone[:, place] = x[:, row]
        y, _ = stepped(cell, alone, cell.initial_state(TILE_ROWS))
        assert torch.equal(y[:, place], together[:, row])


def test_a_row_that_the_mask_leaves_out_says_nothing_and_only_lets_the_time_pass(cell: Cell) -> None:
    x = sequence(2)
    _, before = cell.step(x[0], cell.initial_state(TILE_ROWS))
    elapsed = torch.linspace(0.5, 40, TILE_ROWS)
    mask = torch.arange(TILE_ROWS) % 3 > 0

    y, after = cell.step(x[1], before, elapsed, mask)

    expected, stepped_state = cell.step(x[1], before, elapsed)
    rested = cell.rest(before, elapsed)
    assert torch.equal(y[mask], expected[mask])
    assert not y[~mask].any()
    for name in cell.state_shapes:
        assert torch.equal(after[name][mask], stepped_state[name][mask])
        assert torch.equal(after[name][~mask], rested[name][~mask])


def test_state_fades_by_a_power_of_the_steps_missed(cell: Cell) -> None:
    _, before = cell.step(sequence(1)[0], cell.initial_state(TILE_ROWS))

    after = cell.rest(before, torch.full((TILE_ROWS,), 8.0))

    rate = torch.nn.functional.softplus(torch.tensor(-2.0))
    for name in cell.state_shapes:
        torch.testing.assert_close(after[name], before[name] * 8**-rate)
        assert torch.equal(cell.rest(before, torch.ones(TILE_ROWS))[name], before[name])


def test_single_precision_stays_near_double(cell: Cell) -> None:
    x = sequence(200)
    single, _ = cell.scan(x, cell.initial_state(TILE_ROWS))

    precise = cell.double()
    double, _ = precise.scan(x.double(), precise.initial_state(TILE_ROWS))

    assert (single - double).abs().max() < 1e-5


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30, -1e30])
def test_state_stays_finite_on_hostile_input(cell: Cell, size: float) -> None:
    x = torch.full((50, TILE_ROWS, FEATURES), size)

    _, state = cell.scan(x, cell.initial_state(TILE_ROWS))

    assert all(column.isfinite().all() for column in state.values())


def test_gradients_agree_with_finite_differences(cell: Cell) -> None:
    precise = cell.double()
    x = sequence(3).double().requires_grad_()

    def last_output(x: Tensor) -> Tensor:
        return precise.scan(x, precise.initial_state(TILE_ROWS))[0][-1].sum()

    assert torch.autograd.gradcheck(last_output, (x,), fast_mode=True)


def test_the_state_given_is_not_changed(cell: Cell) -> None:
    state = cell.step(sequence(1)[0], cell.initial_state(TILE_ROWS))[1]
    before = {name: column.clone() for name, column in state.items()}

    cell.step(sequence(1, seed=1)[0], state)

    assert all(torch.equal(state[name], before[name]) for name in cell.state_shapes)


def gru_weights(theirs: nn.GRU) -> dict[str, Tensor]:
    return ours(theirs, lambda gates: gates)


def lstm_weights(theirs: nn.LSTM) -> dict[str, Tensor]:
    def reordered(gates: Tensor) -> Tensor:  # torch: i, f, g, o; ours: i, f, o, g
        i, f, g, o = gates.chunk(4)
        return torch.cat((i, f, o, g))

    return ours(theirs, reordered)


def ours(theirs: nn.Module, reordered: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    weights = theirs.state_dict()
    found = {"forgetting": torch.zeros(())}
    for part, short in (("input", "ih"), ("recurrent", "hh")):
        found[f"{part}.weight"] = reordered(weights[f"weight_{short}_l0"]).T
        found[f"{part}.bias"] = reordered(weights[f"bias_{short}_l0"])
    return found


@pytest.mark.parametrize(("name", "make", "weights"), [("gru", nn.GRU, gru_weights), ("lstm", nn.LSTM, lstm_weights)])
@torch.no_grad()
def test_a_cell_with_torchs_weights_gives_torchs_outputs(
    name: str, make: Callable[..., nn.Module], weights: Callable[..., dict[str, Tensor]]
) -> None:
    torch.manual_seed(5)
    theirs = make(FEATURES, HIDDEN)
    cell = CELLS[name](FEATURES, HIDDEN)
    cell.load_state_dict(weights(theirs))
    x = sequence(30)

    y, _ = cell.scan(x, cell.initial_state(TILE_ROWS))

    assert (y - theirs(x)[0]).abs().max() < 1e-6
