"""That precision and recall are those of the published package."""

import json
from typing import Any

import numpy as np
import pytest

from streamer.backtest.curves import PrecisionRecall
from tests.golden.make_accuracy import GOLDEN, case

PUBLISHED: list[dict[str, Any]] = json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: str(row["seed"]))
def test_area_and_best_f1_are_what_the_published_package_says(published: dict[str, Any]) -> None:
    _, labels, scores = case(published["seed"])

    curve = PrecisionRecall.of(scores, labels)

    assert curve.area == pytest.approx(published["auc_pr"], abs=1e-12)
    assert curve.best_f1 == pytest.approx(published["best_f1"], abs=2e-5)  # the package adds 1e-5 below


def test_readings_of_one_score_are_alarms_together() -> None:
    curve = PrecisionRecall.of(np.array([1.0, 1.0, 0.0]), np.array([True, False, False]))

    np.testing.assert_array_equal(curve.precision, [1 / 2, 1 / 3])


def test_without_a_labelled_reading_there_is_no_area() -> None:
    assert np.isnan(PrecisionRecall.of(np.arange(4.0), np.zeros(4, dtype=bool)).area)
