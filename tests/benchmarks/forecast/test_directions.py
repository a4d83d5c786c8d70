"""Which way the next day goes: who is counted right, and what is left out."""

import numpy as np
import pytest
from forecast.batch import Batch, Series
from forecast.directions import WARM_UP, Directions, matthews
from forecast.scores import Forecast

LENGTH = WARM_UP + 5


def directions(values: list[float], from_zero: bool) -> Directions:
    """Of a series that ends with these values."""
    series = np.concatenate((np.zeros(LENGTH - len(values)), values))
    return Directions(Batch.of([Series("some", "one", series, np.arange(float(LENGTH)), 5)]), from_zero)


def said(location: list[float]) -> Forecast:
    """Forecasts after the readings before the last ones."""
    made = np.zeros((LENGTH, 1, 1))
    made[LENGTH - len(location) - 1 : LENGTH - 1, 0, 0] = location
    return Forecast(made, np.ones_like(made), np.ones_like(made))


def test_a_price_rises_from_the_value_before_and_days_without_a_move_do_not_count() -> None:
    found = directions([10, 11, 10, 10, 12], from_zero=False)

    found.add("it", 0, said([1, 10.5, 10.5, 9, 11]))

    # 10 from 0 foreseen as rise; 11 from 10 as rise; 10 from 11 as fall; no move; 12 from 10 as rise
    assert found.tables["it"][0].tolist() == [[1, 0], [0, 3]]


def test_a_return_is_a_rise_where_it_is_positive() -> None:
    found = directions([1, -1, 2, -3, 0], from_zero=True)

    found.add("it", 0, said([-1, -1, 1, 1, 1]))

    assert found.tables["it"][0].tolist() == [[1, 1], [1, 1]]


def test_the_first_readings_are_not_counted() -> None:
    found = directions([1.0] * LENGTH, from_zero=True)

    found.add("it", 0, said([1.0] * (LENGTH - 1)))

    assert found.tables["it"].sum() == LENGTH - WARM_UP


@pytest.mark.parametrize(
    ("table", "expected"),
    [([[5, 0], [0, 7]], 1.0), ([[0, 5], [7, 0]], -1.0), ([[0, 0], [5, 7]], 0.0), ([[3, 1], [2, 4]], 10 / np.sqrt(600))],
)
def test_matthews_correlation(table: list[list[float]], expected: float) -> None:
    assert matthews(np.array(table)) == pytest.approx(expected)
