"""That a score without a model says of a reading only what came before it, and the same in any unit."""

import numpy as np
import pytest
from accuracy.baselines import BASELINES, beyond_record, level_z, smoothed


@pytest.mark.parametrize("name", BASELINES)
def test_no_later_reading_reaches_a_score(name: str) -> None:
    values = np.random.default_rng(1).standard_normal((400, 2))
    changed = values.copy()
    changed[300:] += 50

    before, after = (BASELINES[name](one) for one in (values, changed))

    if name != "blind clock of NAB":  # the length of a file says how long its probation is
        np.testing.assert_array_equal(before[:300], BASELINES[name](values[:300]))
    np.testing.assert_array_equal(before[:300], after[:300])


@pytest.mark.parametrize("name", BASELINES)
def test_a_score_is_a_number_for_series_that_never_move(name: str) -> None:
    assert np.isfinite(BASELINES[name](np.full((300, 2), 7.0))).all()


def test_the_z_of_a_level_is_that_of_the_readings_before() -> None:
    values = np.random.default_rng(2).standard_normal((50, 1))

    score = level_z(values)

    expected = abs(values[40, 0] - values[:40, 0].mean()) / values[:40, 0].std()
    assert score[40] == pytest.approx(expected)


def test_only_what_exceeds_all_before_is_beyond_the_record() -> None:
    score = beyond_record(np.array([[0.0], [10.0], [5.0], [15.0], [-10.0]]))

    np.testing.assert_allclose(score, [0, 0, 0, 0.5, 10 / 15])


def test_a_smoothed_score_takes_a_part_of_each_reading() -> None:
    np.testing.assert_allclose(smoothed(np.array([8.0, 0.0, 4.0]), 1 / 4), [2, 1.5, 2.125])
