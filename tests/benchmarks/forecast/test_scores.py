"""The scores of forecasts: the closed form against the integral, and which forecasts count."""

import numpy as np
import pytest
from forecast.batch import Batch, Float64, Series
from forecast.scores import Forecast, Tally, median_and_mean, student_crps
from scipy.integrate import quad
from scipy.stats import t as student


def line(length: int, slope: float, source: str = "a") -> Series:
    """A straight line."""
    return Series(source, str(slope), slope * np.arange(float(length)), np.arange(float(length)), season=7)


def points(location: Float64, scale: float = 1.0) -> Forecast:
    """Forecasts of one spread. location: (S, B, K)."""
    return Forecast(location, np.full(location.shape, scale), np.full(location.shape, 5.0))


@pytest.mark.parametrize("freedom", [1.3, 2.0, 5.0, 60.0])
@pytest.mark.parametrize("z", [-7.0, -0.4, 0.0, 1.0, 30.0])
def test_the_closed_form_is_the_integral(freedom: float, z: float) -> None:
    below, _ = quad(lambda x: student.cdf(x, freedom) ** 2, -np.inf, z, limit=500)
    above, _ = quad(lambda x: student.sf(x, freedom) ** 2, z, np.inf, limit=500)

    crps, probability = student_crps(np.array([z]), np.array([freedom]))

    assert crps[0] == pytest.approx(below + above, rel=1e-5)
    assert probability[0] == pytest.approx(student.cdf(z, freedom))


def test_far_out_the_score_is_the_distance() -> None:
    crps, _ = student_crps(np.array([1e12, -1e12]), np.array([5.0, 1.5]))

    np.testing.assert_allclose(crps, 1e12, rtol=1e-6)


def test_a_forecast_counts_where_its_target_is_in_the_series_and_an_error_was_seen() -> None:
    tally = Tally(Batch.of([line(10, 1.0), line(6, 2.0)]), (1, 3))

    tally.add("zero", 0, points(np.zeros((10, 2, 2))))

    assert tally.sums["zero"].count.tolist() == [[8, 4], [4, 0]]  # targets from 2 h on, before the end
    assert tally.mean("zero", "absolute")[0].tolist() == [np.mean(range(2, 10)), np.mean(range(6, 10))]
    assert np.isnan(tally.mean("zero", "absolute")[1, 1])


def test_forecasts_in_pieces_score_like_all_at_once() -> None:
    batch = Batch.of([line(40, 1.0), line(30, 2.0)])
    location = np.random.default_rng(0).normal(size=(40, 2, 2)) * 20
    whole, pieces = Tally(batch, (1, 3)), Tally(batch, (1, 3))

    whole.add("some", 0, points(location))
    for first in range(0, 40, 8):
        rows = batch.alive(first)
        pieces.add("some", first, points(location[first : first + 8, :rows]))

    for score in ("crps", "absolute", "squared", "covered"):
        np.testing.assert_allclose(pieces.mean("some", score), whole.mean("some", score), rtol=1e-12)


def test_in_twice_the_unit_a_score_is_twice_as_large() -> None:
    series = line(30, 1.0)
    doubled = Series(series.source, series.name, 2 * series.values, series.seconds, series.season)
    once, twice = (Tally(Batch.of([one]), (1,)) for one in (series, doubled))

    once.add("some", 0, points(np.full((30, 1, 1), 7.0), scale=3.0))
    twice.add("some", 0, points(np.full((30, 1, 1), 14.0), scale=6.0))

    assert twice.mean("some", "crps")[0, 0] == pytest.approx(2 * once.mean("some", "crps")[0, 0])


def test_readings_before_the_first_target_are_not_scored() -> None:
    tally = Tally(Batch.of([line(10, 1.0)]), (1,), first_target=8)

    tally.add("zero", 0, points(np.zeros((10, 1, 1))))

    assert tally.sums["zero"].count.tolist() == [[2]]


def test_a_band_that_knows_the_spread_covers_nine_in_ten() -> None:
    rng = np.random.default_rng(0)
    series = Series("a", "noise", rng.standard_t(5, 20_000) * 3, np.arange(20_000.0), season=7)
    tally = Tally(Batch.of([series]), (1,))

    tally.add("right", 0, points(np.zeros((20_000, 1, 1)), scale=3.0))
    tally.add("narrow", 0, points(np.zeros((20_000, 1, 1)), scale=1.0))

    assert tally.mean("right", "covered")[0, 0] == pytest.approx(0.9, abs=0.01)
    assert tally.mean("narrow", "covered")[0, 0] < 0.6
    assert tally.ratio("narrow", "right")[0, 0] > 1


def test_rows_are_the_longest_first_and_end_with_their_last_reading_again() -> None:
    batch = Batch.of([line(3, 2.0, "b"), line(5, 1.0, "a")])

    assert batch.values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert batch.values[:, 1].tolist() == [0, 2, 4, 4, 4]
    assert batch.sources == ("a", "b")
    assert batch.of_source("b").tolist() == [1]
    assert [batch.alive(first) for first in (0, 2, 3, 5)] == [2, 2, 1, 0]


def test_unknown_ratios_do_not_count_and_a_perfect_forecast_does() -> None:
    middle, mean = median_and_mean(np.array([np.nan, 0.0, 1.0, 4.0]))

    assert middle == 1.0
    assert mean == pytest.approx((1e-3 * 1 * 4) ** (1 / 3))
