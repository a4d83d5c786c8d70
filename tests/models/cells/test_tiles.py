"""Tiles: a row's bits depend on neither tile, position nor neighbours."""

import pytest
import torch

from models.cells import TILE_ROWS, TiledLinear, padded_rows
from tests.device import DEVICE

pytestmark = pytest.mark.device


@pytest.mark.parametrize("outputs", [*range(1, 33), 64, 96])
def test_a_product_of_a_row_has_the_same_bits_wherever_it_stands(outputs: int) -> None:
    torch.manual_seed(0)
    linear = TiledLinear(44, outputs).requires_grad_(False).to(DEVICE)
    x, place = torch.randn(1024, 44).to(DEVICE), torch.randperm(1024).to(DEVICE)

    assert torch.equal(linear(x[place]), linear(x)[place])


@pytest.mark.parametrize("outputs", [3, 9, 64, 96])
def test_a_product_of_a_row_has_the_same_bits_in_every_batch(outputs: int) -> None:
    torch.manual_seed(0)
    linear = TiledLinear(40, outputs).requires_grad_(False).to(DEVICE)
    x = torch.randn(2048, 40).to(DEVICE)
    whole = linear(x)

    for rows in (32, 64, 256, 1024):
        for start in (0, 17, 500):
            part = torch.zeros(rows, 40, device=DEVICE)
            part[: rows - 3] = x[start : start + rows - 3]
            assert torch.equal(linear(part)[: rows - 3], whole[start : start + rows - 3])


def test_tiles_agree_with_the_plain_product() -> None:
    torch.manual_seed(0)
    linear = TiledLinear(40, 96).requires_grad_(False).to(DEVICE)
    x = torch.randn(64, 40).to(DEVICE)

    assert (linear(x) - (x.double() @ linear.weight.double() + linear.bias.double())).abs().max() < 1e-5


def test_a_batch_that_is_no_multiple_of_the_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a multiple of 32 rows, got 33"):
        TiledLinear(4, 4)(torch.zeros(33, 4))


@pytest.mark.parametrize(("rows", "padded"), [(1, 32), (32, 32), (33, 64), (65, 128), (1000, 1024), (2048, 2048)])
def test_the_ladder_holds_every_batch_in_few_sizes(rows: int, padded: int) -> None:
    assert padded_rows(rows) == padded
    assert padded % TILE_ROWS == 0
