"""Cells and torch's own modules with each other's weights give each other's outputs."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from models.cells import GRU, LSTM, RNN, Bidirectional, Cell, MinGRU, Residual, Stack, deep
from models.cells.torch_weights import from_torch, to_torch

FEATURES, HIDDEN = 5, 8
THEIRS: dict[str, Callable[..., nn.RNNBase]] = {
    "tanh": nn.RNN,
    "relu": partial(nn.RNN, nonlinearity="relu"),
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}
OURS: dict[str, Callable[[int, int], Cell]] = {
    "tanh": RNN,
    "relu": partial(RNN, activation="relu"),
    "gru": GRU,
    "lstm": LSTM,
}


def sequence() -> Tensor:
    return torch.randn(30, 3, FEATURES, generator=torch.Generator().manual_seed(0))


def outputs(ours: Cell | Bidirectional, x: Tensor) -> Tensor:
    if isinstance(ours, Bidirectional):
        return ours.scan(x)
    return ours.scan(x, ours.initial_state(x.shape[1]))[0]


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_torchs_weights_give_torchs_outputs(name: str, layers: int, bidirectional: bool, bias: bool) -> None:
    torch.manual_seed(5)
    theirs = THEIRS[name](FEATURES, HIDDEN, num_layers=layers, bidirectional=bidirectional, bias=bias)

    ours = from_torch(theirs)

    assert (outputs(ours, sequence()) - theirs(sequence())[0]).abs().max() < 1e-6


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("layers", [1, 3])
@torch.no_grad()
def test_our_weights_give_our_outputs_in_torch(name: str, layers: int) -> None:
    torch.manual_seed(5)
    ours = deep(OURS[name], FEATURES, HIDDEN, layers) if layers > 1 else OURS[name](FEATURES, HIDDEN)

    theirs = to_torch(ours)

    assert (theirs(sequence())[0] - outputs(ours, sequence())).abs().max() < 1e-6


@torch.no_grad()
def test_two_directions_give_our_outputs_in_torch() -> None:
    torch.manual_seed(5)
    ours = Bidirectional(*([LSTM(FEATURES, HIDDEN), LSTM(2 * HIDDEN, HIDDEN)] for _ in range(2)))

    theirs = to_torch(ours.double())

    assert (theirs(sequence().double())[0] - outputs(ours, sequence().double())).abs().max() < 1e-12


@torch.no_grad()
def test_the_last_state_is_torchs_too() -> None:
    theirs = nn.LSTM(FEATURES, HIDDEN)
    ours = from_torch(theirs)
    assert isinstance(ours, LSTM)

    _, state = ours.scan(sequence(), ours.initial_state(3))

    _, (hidden, memory) = theirs(sequence())
    torch.testing.assert_close(state, {"hidden": hidden[0], "memory": memory[0]}, rtol=0, atol=1e-6)


def test_a_projection_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a module without projections, got proj_size 3"):
        from_torch(nn.LSTM(FEATURES, HIDDEN, proj_size=3))


@pytest.mark.parametrize(
    "ours",
    [
        MinGRU(4, 4),
        RNN(4, 4, activation="sigmoid"),
        RNN(4, 4, feedback="output"),
        Stack([GRU(4, 4), Residual(GRU(4, 4))]),
        Stack([GRU(4, 4), LSTM(4, 4)]),
    ],
    ids=["another cell", "sigmoid", "jordan", "residual", "mixed"],
)
def test_what_torch_has_not_is_refused(ours: Cell) -> None:
    with pytest.raises(ValueError, match="to_torch: expected "):
        to_torch(ours)


@pytest.mark.parametrize("mask", [None, torch.ones(30, 3, dtype=torch.bool)])
@torch.no_grad()
def test_backwards_the_time_to_the_next_step_is_what_has_elapsed(mask: Tensor | None) -> None:
    ours = Bidirectional([GRU(FEATURES, HIDDEN)], [GRU(FEATURES, HIDDEN)])
    elapsed = torch.rand(30, 3, generator=torch.Generator().manual_seed(1)) * 9

    y = ours.scan(sequence(), elapsed, mask)

    (cell,) = ours.backwards
    assert isinstance(cell, Cell)
    times = elapsed.cumsum(0)
    state = cell.initial_state(3)
    expected: list[Tensor] = []
    for t in reversed(range(30)):
        since = torch.ones(3) if t == 29 else times[t + 1] - times[t]
        said, state = cell.scan(sequence()[t : t + 1], state, since.unsqueeze(0))
        expected.insert(0, said[0])
    assert (y[..., HIDDEN:] - torch.stack(expected)).abs().max() < 1e-5


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="layer 0 has 4 outputs, the next 5 inputs"):
        Stack([GRU(4, 4), GRU(5, 4)])
    with pytest.raises(ValueError, match="expected as many inputs as outputs, got 3 and 4"):
        Residual(GRU(3, 4))
