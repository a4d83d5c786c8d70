"""Hourly temperatures of two cities: an hour, a day and four days ahead."""

from collections.abc import Sequence

import results_page

from forecast.batch import Batch
from forecast.entrants import Entrant
from forecast.field import is_known, score_all, shown
from forecast.scores import Tally
from forecast.sources import temperatures

HORIZONS = (1, 24, 96)


def weather_tables(entrants: Sequence[Entrant]) -> list[str]:
    """CRPS in degrees Fahrenheit and mean squared error, a table for each city."""
    tally = score_all(Tally(Batch.of(temperatures()), HORIZONS), entrants)
    header = ["forecaster", *(f"h = {horizon}: {score}" for horizon in HORIZONS for score in ("CRPS", "MSE"))]
    lines: list[str] = []
    for b, series in enumerate(tally.batch.series):
        rows = [[name, *_cells(tally, name, b)] for name in shown(tally, entrants)]
        lines += ["", f"{series.name}, {len(series.values):,} hours:", "", *results_page.table(header, rows)]
    return lines


def _cells(tally: Tally, name: str, b: int) -> list[str]:
    return [
        f"{tally.mean(name, score)[b, k]:.3f}" if is_known(tally, name, k) else ""
        for k in range(len(HORIZONS))
        for score in ("crps", "squared")
    ]
