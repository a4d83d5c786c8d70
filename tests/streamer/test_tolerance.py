"""Tolerances reading by reading: which line is raised, by how much, and until when."""

import numpy as np
import pytest

from connectors.columns import Readings
from models.alarm import KINDS
from streamer.feedback import Tolerance
from streamer.tolerance import Tolerances
from tests.streamer.fleets import SECOND_NS, readings

SPIKE, CHANGE = KINDS.index("spike"), KINDS.index("change")


def tolerance(series: str = "a", kind: str = "spike", factor: float = 3.0) -> Tolerance:
    """From the second 100 on less and less, until the second 300."""
    return Tolerance(series=series, kind=kind, factor=factor, since=100 * SECOND_NS, until=300 * SECOND_NS)


def at(series: list[str], seconds: list[float]) -> Readings:
    return readings(series, seconds, np.zeros(len(series)))


def test_a_line_falls_evenly_back_to_where_it_was() -> None:
    tolerances = Tolerances([tolerance(factor=3.0)])

    factors = tolerances.of(at(["a"] * 6, [0, 100, 150, 200, 300, 9000]))

    assert factors is not None
    assert factors[:, SPIKE].tolist() == [3, 3, 2.5, 2, 1, 1]
    assert factors[:, CHANGE].tolist() == [1] * 6


def test_every_series_and_kind_has_its_own() -> None:
    tolerances = Tolerances([tolerance("a", "change", 2.0), tolerance("b", factor=4.0), tolerance("a", factor=5.0)])

    factors = tolerances.of(at(["b", "c", "a"], [100] * 3))

    assert factors is not None
    assert factors.tolist() == [[4, 1], [1, 1], [5, 2]]


@pytest.mark.parametrize("tolerances", [[], [tolerance("b")], [tolerance(kind="silence")]])
def test_where_no_line_is_raised_there_is_nothing_to_reckon(tolerances: list[Tolerance]) -> None:
    assert Tolerances(tolerances).of(at(["a", "c"], [100, 100])) is None


def test_no_factor_depends_on_the_batch_it_came_in() -> None:
    tolerances = Tolerances([tolerance(factor=1.7), tolerance("b", "change", 2.3)])
    batch = at(["a", "b", "c"] * 30, list(np.linspace(90.0, 310.0, 90)))

    whole = tolerances.of(batch)

    assert whole is not None
    for place in range(len(batch)):
        alone = tolerances.of(batch.take(slice(place, place + 1)))
        np.testing.assert_array_equal(whole[place : place + 1], np.ones((1, 2)) if alone is None else alone)
