"""That the volume under the surface is what TSB-AD computes, and the plain loops say the same of any series."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.backtest.volume import THRESHOLDS, UNKNOWN_WINDOW, Bool, Float64, runs, vus_pr, window_of
from tests.golden.make_accuracy import GOLDEN, case

PUBLISHED: list[dict[str, Any]] = json.loads(Path(GOLDEN).read_text())


def plainly(scores: Float64, labels: Bool, window: int) -> float:
    """VUS-PR threshold by threshold and reading by reading."""
    events = [(int(start), int(end)) for start, end in runs(labels)]
    thresholds = np.sort(scores)[::-1][np.linspace(0, len(scores) - 1, THRESHOLDS).astype(int)]
    areas = []
    for tolerance in range(window + 1):
        half = tolerance // 2
        worth = labels.astype(float)
        ranges: list[tuple[int, int]] = []
        for start, end in events:
            for distance in range(1, half + 1):
                for at in (start - distance, end + distance):
                    if 0 <= at < len(worth):
                        worth[at] += np.sqrt(1 - distance / tolerance)
            if ranges and ranges[-1][1] + half >= start - half:
                ranges[-1] = (ranges[-1][0], end)
            else:
                ranges.append((start, end))
        worth = np.minimum(worth, 1)
        area, before = 0.0, 0.0
        for threshold in thresholds:
            alarms = scores >= threshold
            true = float(worth[alarms].sum())
            found = [alarms[max(0, start - half) : end + half + 1].any() for start, end in ranges]
            wanted = labels.sum() + worth[alarms & ~labels].sum() / 2
            recall = min(true / wanted, 1) * np.mean(found)
            area += (recall - before) * true / alarms.sum()
            before = recall
        areas.append(area)
    return float(np.mean(areas))


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: str(row["seed"]))
def test_the_volume_is_what_the_published_package_says(published: dict[str, Any]) -> None:
    _, labels, scores = case(published["seed"])

    volumes = [vus_pr(scores, labels, window) for window in (published["window"], 7)]

    assert volumes == pytest.approx([published["vus_pr"], published["vus_pr_7"]], abs=1e-12)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: str(row["seed"]))
def test_the_window_is_the_period_that_the_published_package_finds(published: dict[str, Any]) -> None:
    values, _, _ = case(published["seed"])

    assert window_of(values) == published["window"]


@given(seed=st.integers(0, 10_000), window=st.integers(0, 8), ties=st.booleans())
@settings(max_examples=8, deadline=None)
def test_the_fast_volume_is_the_plain_one(seed: int, window: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(40)
    scores = np.round(scores) if ties else scores
    labels = rng.random(40) < 0.15
    labels[int(rng.integers(40))] = True

    volume = vus_pr(scores, labels, window)

    assert volume == pytest.approx(plainly(scores, labels, window), abs=1e-12)


def test_a_score_that_is_the_labels_fills_all_of_the_volume_without_tolerance() -> None:
    labels = np.zeros(1000, dtype=bool)
    labels[100:150] = labels[700:720] = True

    assert vus_pr(labels.astype(float), labels, 0) == 1


def test_without_an_event_there_is_no_volume() -> None:
    assert np.isnan(vus_pr(np.arange(100.0), np.zeros(100, dtype=bool), 10))


def test_a_series_without_a_period_has_the_window_that_the_benchmark_gives_it() -> None:
    still, rising = np.ones(500), np.arange(500.0)

    assert [window_of(still), window_of(rising)] == [UNKNOWN_WINDOW, UNKNOWN_WINDOW]


def test_only_the_first_values_say_what_the_period_is() -> None:
    at = np.arange(40_000)
    values = np.where(at < 20_000, np.sin(2 * np.pi * at / 24), 100 * np.sin(2 * np.pi * at / 40))

    assert window_of(values) == window_of(values[:20_000])
