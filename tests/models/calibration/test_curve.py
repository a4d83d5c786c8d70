"""Curves of counts: exact where counts are many, exponential beyond, and never rising."""

import pytest
import torch

from models.calibration.bins import BINS, bin_of, edges, position
from models.calibration.curve import FLATTEST, STEEPEST, counts_beyond, fitted, level_at

FALLING = -torch.diff(10.0 ** -edges())  # the share of calibrated surprise in every bin


def curve(readings: float, slope: float = 1.0) -> torch.Tensor:
    """That of so many readings whose share beyond s is ``10 ** (-slope * s)``, in whole counts."""
    return fitted(counts_beyond((-torch.diff(10.0 ** (-slope * edges())) * readings).round()))


def test_the_bin_of_an_edge_begins_there() -> None:
    inner = edges()[1:-1] * (1 + 1e-6)

    assert bin_of(inner.float()).tolist() == list(range(1, BINS))
    assert position(torch.tensor([0.0, 1e9])).tolist() == [0, pytest.approx(BINS)]


@pytest.mark.parametrize("slope", [0.6, 1.0, 1.4])
def test_the_tail_goes_on_as_it_came(slope: float) -> None:
    log_beyond = curve(1e5, slope)

    level = level_at(log_beyond, torch.tensor(1e5 * 1e-7, dtype=torch.float64))

    assert float(level) == pytest.approx(7 / slope, rel=0.12)


def test_a_level_within_the_counts_is_their_quantile() -> None:
    level = level_at(curve(1e6), torch.tensor(1e6 * 1e-3, dtype=torch.float64))

    assert float(level) == pytest.approx(3, abs=0.02)


def test_a_cliff_does_not_end_in_a_wall_and_a_plain_not_in_a_plain() -> None:
    cliff, plain = torch.zeros(BINS, dtype=torch.float64), torch.zeros(BINS, dtype=torch.float64)
    cliff[40], plain[[40, 399]] = 1000, torch.tensor([1000.0, 100.0], dtype=torch.float64)

    fall = -torch.diff(fitted(counts_beyond(cliff))) / torch.diff(edges())

    assert fall[45:].min() >= FLATTEST - 1e-9
    assert fall[45:].max() <= STEEPEST + 1e-9
    assert fitted(counts_beyond(plain)).isfinite().all()


def test_without_counts_surprise_is_what_it_says() -> None:
    fall = -torch.diff(fitted(torch.zeros(BINS + 1, dtype=torch.float64))) / torch.diff(edges())

    torch.testing.assert_close(fall[1:], torch.ones(BINS - 1, dtype=torch.float64))


def test_counts_that_faded_before_they_were_moved_leave_nothing_negative() -> None:
    counts = torch.zeros(BINS, dtype=torch.float64)
    counts[[3, 10]] = torch.tensor([-0.2, 5.0], dtype=torch.float64)

    beyond = counts_beyond(counts)

    assert (torch.diff(beyond) <= 0).all()
    assert beyond.min() == 0
