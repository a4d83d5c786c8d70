"""Both directions, of every cell: each as its own cell has it, and what is held out of a sequence says nothing."""

import pytest
import torch

from models.cells import Bidirectional
from tests.models.cells.every_cell import MAKES, Sequence, made, scanned

LENGTH, PADDING, ROWS = 24, 7, 4


@pytest.mark.parametrize("name", MAKES)
@torch.no_grad()
def test_the_first_half_has_seen_what_came_and_the_second_what_comes(name: str) -> None:
    forwards, backwards = made(name), made(name)
    given, other = (Sequence.drawn(LENGTH, ROWS, seed) for seed in (0, 1))
    both = Bidirectional([forwards], [backwards])
    here = LENGTH // 2
    changed = torch.cat((given.x[:here], other.x[here:]))

    y, of_another_end = (both.scan(x, given.elapsed, given.mask) for x in (given.x, changed))
    hidden = y.shape[-1] // 2

    torch.testing.assert_close(y[..., :hidden], scanned(forwards, given)[0])
    torch.testing.assert_close(y[:here, :, :hidden], of_another_end[:here, :, :hidden])
    assert not torch.allclose(y[:here, :, hidden:], of_another_end[:here, :, hidden:])


@pytest.mark.parametrize("name", MAKES)
@torch.no_grad()
def test_what_is_behind_the_end_of_a_row_does_not_matter(name: str) -> None:
    both = Bidirectional([made(name)], [made(name)])
    given = Sequence.drawn(LENGTH + PADDING, ROWS)
    mask = given.mask.clone()
    mask[LENGTH:] = False
    alone = given.part(slice(LENGTH))

    padded = both.scan(given.x, given.elapsed, mask)[:LENGTH]

    torch.testing.assert_close(padded, both.scan(alone.x, alone.elapsed, alone.mask), rtol=1e-5, atol=1e-5)
