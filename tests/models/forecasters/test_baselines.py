"""The baselines against what they claim to be: river's trees, a textbook's control chart, quantiles by the hour."""

import math

import numpy as np
import pytest
import torch
from river import anomaly, compose, preprocessing

from models import scaler
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State, fresh_state
from models.forecasters.ewma import RATE, Ewma
from models.forecasters.forecaster import Forecaster
from models.forecasters.half_space_trees import HEIGHT, NODES, TREES, WINDOW, HalfSpaceTrees
from models.forecasters.seasonal_quantile import SPREADS, SeasonalQuantile
from models.outcome import Outcome
from models.training.forecasting import Batch
from tests.models.walks import DAY, detector_of, phases, taken

ROWS = 32


def batch(values: np.ndarray, cadence_seconds: float = 60.0) -> Batch:
    """One channel a row, rows of zeros behind. values: (T, rows)."""
    padded = np.zeros((len(values), ROWS))
    padded[:, : values.shape[1]] = values
    readings = torch.from_numpy(padded).unsqueeze(-1)
    seconds = torch.arange(len(values)).double().unsqueeze(1).expand(-1, ROWS) * cadence_seconds
    elapsed = torch.full((len(values), ROWS), cadence_seconds)
    elapsed[0] = torch.nan
    present = torch.ones_like(readings, dtype=torch.bool)
    return Batch(readings, present, present, elapsed, phases(seconds))


@torch.inference_mode()
def outcomes(forecaster: Forecaster, readings: Batch) -> tuple[list[Outcome], State]:
    """What a detector makes of every reading, and what it remembers then."""
    detector = detector_of(forecaster, 1)
    state, pool, said = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), []
    for reading in readings.readings():
        outcome, state = detector.step(*reading, state, pool)
        said.append(outcome)
    return said, state


def planted(river_trees: anomaly.HalfSpaceTrees) -> HalfSpaceTrees:
    """Ours with the splits of river's."""
    ours = HalfSpaceTrees()
    splits = torch.zeros(TREES, NODES, dtype=torch.float64)

    def plant(tree: int, place: int, node: object) -> None:
        if children := getattr(node, "children", ()):
            splits[tree, place] = getattr(node, "threshold")  # noqa: B009
            for side, child in enumerate(children, 1):
                plant(tree, 2 * place + side, child)

    for number, tree in enumerate(river_trees.trees):
        plant(number, 0, tree)
    ours.load_state_dict({"splits": splits.flatten()})
    return ours


def test_half_space_trees_say_what_those_of_river_say() -> None:
    rng = np.random.default_rng(0)
    values = np.stack((np.sin(np.arange(700) / 9) + rng.normal(scale=0.2, size=700), rng.normal(size=700).cumsum()), 1)
    values[[300, 550], [0, 1]] += 30
    expected = np.zeros_like(values)
    for channel in range(2):
        trees = anomaly.HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=channel)
        model = compose.Pipeline(preprocessing.MinMaxScaler(), trees)
        for time, value in enumerate(values[:, channel]):
            expected[time, channel] = model.score_one({"x": value}) if time else 0.0
            model.learn_one({"x": value})
        said, _ = outcomes(planted(trees), batch(values[:, [channel]]))

        found = [1 - 10 ** -float(outcome.raw_surprise[0, 0]) for outcome in said]

        np.testing.assert_allclose(found, expected[:, channel], atol=1e-6)
    assert len(np.unique(expected[WINDOW:].round(4))) > 100


def test_splits_that_are_drawn_lie_within_their_nodes_and_not_near_the_ends() -> None:
    splits = HalfSpaceTrees().splits.view(TREES, NODES)

    def check(tree: int, place: int, low: float, high: float) -> None:
        if place >= NODES // 2 - 1:
            return
        split, margin = float(splits[tree, place]), 0.15 * (high - low)
        assert low + margin <= split <= high - margin
        check(tree, 2 * place + 1, low, split)
        check(tree, 2 * place + 2, split, high)

    for tree in range(TREES):
        check(tree, 0, 0.0, 1.0)
    assert len(splits[:, 0].unique()) == TREES


def test_the_running_mean_and_deviation_are_those_of_a_plain_loop() -> None:
    values = np.random.default_rng(1).normal(loc=1e6, scale=3.0, size=200)
    mean, variance, said = values[0], 0.0, [(values[0], 0.0)]
    for n, value in enumerate(values[1:], 2):
        rate = max(RATE, 1 / n)
        error = value - mean
        mean, variance = mean + rate * error, (1 - rate) * (variance + rate * error**2)
        said.append((mean, math.sqrt(variance)))

    forecast, state = taken(Ewma(), batch(values[:, None]))

    scale = float(scaler.floored_scale(state)[0, 0])
    location, log_scale, freedom = (float(part[-1, 0, 0, 0]) for part in forecast)
    assert values[-1] + location * scale == pytest.approx(said[-1][0], abs=1e-4)
    assert math.exp(log_scale) * scale == pytest.approx(said[-1][1], rel=1e-4)
    assert freedom == Ewma.freedom


def test_quantiles_are_those_of_the_hour_that_is_to_come() -> None:
    rng = np.random.default_rng(2)
    hours = np.arange(24 * 50)
    is_day = (hours % 24 >= 8) & (hours % 24 < 18)
    values = np.where(is_day, 50 + 5 * rng.normal(size=len(hours)), 10 + rng.normal(size=len(hours)))

    said, state = outcomes(SeasonalQuantile(), batch(values[:, None], cadence_seconds=DAY / 24))

    night, day = state["quantiles"][0, 0, 0], state["quantiles"][0, 0, 12]
    assert abs(float(night[1]) - 10) < 1
    assert abs(float(day[1]) - 50) < 4
    assert float(day[2] - day[0]) / SPREADS == pytest.approx(5, rel=0.4)
    forecasts = np.array([float(outcome.forecast[0, 0]) for outcome in said[-24:]])
    assert np.abs(forecasts - np.where(is_day, 50, 10)[-24:]).max() < 6
