"""Networks of unlike shapes and equal size."""

import torch

from docs.gradients.fitting import Reader
from docs.gradients.shape import PARAMETERS, BothWays, widest
from models.cells import GRU


def size(model: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def test_the_widest_network_has_the_most_units_that_the_parameters_allow() -> None:
    def make(hidden: int) -> Reader:
        return Reader(GRU(2, hidden), 1)

    hidden = widest(make)

    assert size(make(hidden)) <= PARAMETERS < size(make(hidden + 1))


def test_only_a_second_direction_sees_what_comes_later() -> None:
    torch.manual_seed(0)
    forwards, both = Reader(GRU(1, 8), 1), BothWays(GRU(1, 8), GRU(1, 8))
    x = torch.randn(6, 2, 1)
    later = torch.cat((x[:3], torch.randn(3, 2, 1)))

    assert torch.equal(forwards(x)[:3], forwards(later)[:3])
    assert not torch.isclose(both(x)[:3], both(later)[:3]).any()
