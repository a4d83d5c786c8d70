"""Tables: p-values are uniform, more raw surprise is never less, and nothing jumps."""

import numpy as np
import torch
from scipy import stats

from models.calibration.bins import BINS, bin_of, edges
from models.calibration.table import calibrate, table_of


def signed(freedom: float, count: int, seed: int) -> torch.Tensor:
    """Raw surprise by a forecast of five degrees of freedom, of readings that have others."""
    t = np.random.default_rng(seed).standard_t(freedom, count)
    return torch.from_numpy(-np.log10(2 * stats.t.sf(abs(t), 5.0)) * np.sign(t)).float()


def counts(surprise: torch.Tensor) -> torch.Tensor:
    index = (surprise >= 0) * BINS + bin_of(surprise.abs())
    return torch.bincount(index, minlength=2 * BINS).view(1, 2, BINS).double()


def test_p_values_are_uniform_though_the_forecast_is_wrong() -> None:
    table = table_of(counts(signed(3.0, 200_000, seed=1)))

    came = calibrate(signed(3.0, 50_000, seed=2).unsqueeze(1), table)

    for decades in (1, 2, 3):
        share = float((came.surprise > decades).float().mean())
        assert abs(share / 10.0**-decades - 1) < 4 / (50_000 * 10.0**-decades) ** 0.5 + 0.02
    assert stats.kstest(came.score[:, 0].numpy(), "norm").statistic < 0.01


def test_more_raw_surprise_is_never_less_and_nothing_jumps() -> None:
    table = table_of(counts(torch.cat((signed(3.0, 2_000, seed=1), torch.full((50,), 2.5)))))
    raw = torch.linspace(-40, 40, 40_001)

    surprise, score = calibrate(raw.unsqueeze(1), table)

    assert (torch.diff(score[:, 0]) >= -1e-5).all()
    assert (torch.diff(surprise[raw >= 0, 0]) >= -1e-5).all()
    assert torch.diff(score[:, 0]).max() < 0.1
    assert surprise[-1] > surprise[raw.abs() < 20].max(), "beyond the counts the fitted tail goes on"


def test_rows_share_the_table_of_their_pool() -> None:
    mild, wild = (counts(signed(freedom, 10_000, seed=3)) for freedom in (30.0, 2.5))
    raw = torch.full((64, 1), 4.0)

    side_by_side = calibrate(raw, table_of(torch.cat((mild, wild)))).surprise

    assert side_by_side[:32].eq(calibrate(raw[:32], table_of(mild)).surprise).all()
    assert side_by_side[32:].eq(calibrate(raw[32:], table_of(wild)).surprise).all()
    assert side_by_side[0] > side_by_side[-1]


def test_the_table_of_no_counts_is_finite_and_says_what_it_is_told() -> None:
    falling = -torch.diff(10.0 ** -edges()).expand(1, 2, BINS) * 500

    came = calibrate(torch.tensor([[0.0], [3.0], [-3.0], [300.0]]), table_of(falling))

    assert came.score.isfinite().all()
    torch.testing.assert_close(came.surprise[1:3], torch.full((2, 1), 3.0), atol=0.1, rtol=0)
