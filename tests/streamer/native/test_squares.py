"""Numbers of rows become vectors and come back: of every width, fewer than a vector holds, as many, and more."""

import pytest
import torch

from streamer.native.columns import PROBE_ROWS
from streamer.native.kernel import Kernel
from streamer.native.vectors import LANES
from streamer.recording import traced

ROWS = 3 * 32


@pytest.mark.parametrize("columns", [1, LANES - 1, LANES, LANES + 1, 3 * LANES + 5])
@pytest.mark.parametrize("dtype", [torch.bool, torch.float16, torch.float32, torch.float64, torch.int32, torch.int64])
def test_every_number_comes_back_to_its_own_row(dtype: torch.dtype, columns: int) -> None:
    probe = torch.zeros((PROBE_ROWS, columns), dtype=dtype)
    kernel = Kernel(traced(lambda x: (x.flip(-1), x[:, :1]), (probe,)).graph, [True])
    drawn = torch.randint(-1000, 1000, (ROWS, columns), generator=torch.Generator().manual_seed(columns))
    given = drawn > 0 if dtype == torch.bool else drawn.to(dtype)

    turned, first = kernel(given)

    assert torch.equal(turned, given.flip(-1))
    assert torch.equal(first, given[:, :1])
