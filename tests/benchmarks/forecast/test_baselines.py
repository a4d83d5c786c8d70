"""The baselines against what they are on a page: plain loops over one series."""

import numpy as np
import pytest
from forecast.baselines import AR8, BASELINES, LAST, SEASONAL, TIMES, Baselines, running_scales
from forecast.batch import Batch, Float64, Series
from forecast.scores import Tally

from models.experts.bank import SPREADING
from models.experts.record import LARGEST_ERROR, SLOWEST_ERROR

HORIZONS = (1, 5, 30)


def series(values: Float64, season: int = 6) -> Series:
    return Series("some", "one", values, np.arange(float(len(values))), season)


def noise(length: int, seed: int = 0) -> Float64:
    return np.random.default_rng(seed).standard_normal(length)


def oscillation(length: int) -> Float64:
    """An autoregression of order two around a cycle of nine readings."""
    values, shocks = np.zeros(length), noise(length)
    for t in range(2, length):
        values[t] = 1.4 * values[t - 1] - 0.9 * values[t - 2] + shocks[t]
    return values


def of_one(values: Float64, horizons: tuple[int, ...] = HORIZONS) -> Baselines:
    return Baselines.of(Batch.of([series(values)]), horizons)


def test_the_seasonal_value_is_whole_periods_before_its_target() -> None:
    values = noise(60)

    points = of_one(values).seasonal_value()

    assert points[20, 0].tolist() == [values[15], values[19], values[20]]  # 21 - 6, 25 - 6, 50 - 30
    assert points[3, 0].tolist() == [values[3], values[2], values[3]]  # no period before 4, but before 8 and 33


def test_running_errors_are_a_mean_at_first_an_exponential_one_later_and_clipped() -> None:
    values = noise(400)
    values[200] = 1e6
    baselines = of_one(values)
    scales = running_scales(baselines.batch)[:, 0]

    errors = baselines.running_errors(baselines.last_value())

    horizon, mean = 5, 0.0
    for n, t in enumerate(range(horizon, 400), start=1):
        limit = LARGEST_ERROR * horizon**SPREADING * max(scales[t], scales[t - horizon])
        mean += max(SLOWEST_ERROR, 1 / n) * (min(abs(values[t] - values[t - horizon]), limit) - mean)
        assert errors[t, 0, 1] == pytest.approx(mean)
    assert errors[horizon - 1, 0, 1] == 0


def test_the_exponential_mean_is_one_of_three_and_the_right_one_for_a_level_under_noise() -> None:
    values = noise(500)
    baselines = of_one(values)

    points = baselines.exponential_mean()[:, 0, 0]

    slow, mean = np.empty(500), 0.0
    for t, value in enumerate(values):
        mean += max(1 / max(TIMES), 1 / (t + 1)) * (value - mean)
        slow[t] = mean
    assert np.mean(points[100:] == slow[100:]) > 0.9


def test_the_autoregression_finds_an_oscillation() -> None:
    tally = Tally(Batch.of([series(oscillation(1500))]), (1, 4), first_target=300)
    for name, first, forecast in Baselines.of(tally.batch, tally.horizons).say():
        tally.add(name, first, forecast)

    assert tally.mean(AR8, "absolute")[0, 0] == pytest.approx(np.sqrt(2 / np.pi), rel=0.1)  # that of the shocks
    assert tally.ratio(AR8, LAST)[0, 1] < 0.7


def test_the_autoregression_is_recursive_least_squares_of_scaled_differences() -> None:
    values = oscillation(120)
    baselines = of_one(values, (1,))
    scales = baselines.scales[:, 0]

    points = baselines.autoregression()[:, 0, 0]

    weights, covariance, window = np.zeros(8), np.eye(8), np.zeros(8)
    for t in range(1, 120):
        move = values[t] - values[t - 1]
        x = np.clip(window / scales[t - 1], -8, 8)
        gain = covariance @ x / (0.998 + x @ covariance @ x)
        weights = weights + gain * (np.clip(move / scales[t - 1], -8, 8) - weights @ x)
        covariance = covariance - np.outer(gain, x @ covariance)
        covariance = covariance * min(1 / 0.998, 8 / np.trace(covariance))
        window = np.concatenate(([move], window[:-1]))
        foreseen = np.clip(weights @ np.clip(window / scales[t], -8, 8), -8, 8) * scales[t]
        assert points[t] == pytest.approx(values[t] + foreseen, rel=1e-9)


def test_no_baseline_sees_the_future() -> None:
    values, other = noise(200), noise(200, seed=1)
    changed = np.where(np.arange(200) < 120, values, other * 100)

    for (name, _, before), (_, _, after) in zip(of_one(values).say(), of_one(changed).say(), strict=True):
        for ours, theirs in zip(before, after, strict=True):
            np.testing.assert_array_equal(ours[:120], theirs[:120], err_msg=name)


def test_a_series_beside_others_is_forecast_as_it_is_alone() -> None:
    rows = [series(noise(80, seed)) for seed in range(3)]

    together = [forecast for _, _, forecast in Baselines.of(Batch.of(rows), HORIZONS).say()]
    alone = [forecast for _, _, forecast in Baselines.of(Batch.of(rows[1:2]), HORIZONS).say()]

    for many, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(many.location[:, 1], one.location[:, 0], rtol=1e-12)
        np.testing.assert_allclose(many.scale[:, 1], one.scale[:, 0], rtol=1e-12)


def test_a_season_is_what_the_seasonal_value_is_for() -> None:
    wave = np.tile([0.0, 5.0, 1.0, -4.0, 2.0, 3.0], 40)
    tally = Tally(Batch.of([series(wave + 0.01 * noise(240))]), (1,))
    for name, first, forecast in Baselines.of(tally.batch, tally.horizons).say():
        tally.add(name, first, forecast)

    assert set(tally.sums) == set(BASELINES)
    assert tally.ratio(SEASONAL, LAST)[0, 0] < 0.1
