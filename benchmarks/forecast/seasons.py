"""Is the day learnt, whatever the cadence? Synthetic days under noise, two hours ahead, on the fourth day."""

from collections.abc import Sequence

import numpy as np
import results_page

from forecast.baselines import LAST
from forecast.batch import Batch, Series
from forecast.entrants import Entrant
from forecast.field import score_all, shown
from forecast.scores import Tally, median_and_mean
from models.training.streams.seasons import cycle

DAY_SECONDS, AHEAD_SECONDS = 86_400, 7200
CADENCES = {"1 h": 3600, "15 min": 900, "1 min": 60, "1 s": 1}  # seconds
LEARNT_DAYS, NOISE, SERIES = 3, 0.3, 32


def season_table(cadences: Sequence[str], entrants: Sequence[Entrant], seed: int) -> list[str]:
    """CRPS two hours ahead as a ratio to the last value's, median over the series; a row for each cadence."""
    rows: list[list[str]] = []
    for cadence in cadences:
        seconds = CADENCES[cadence]
        tally = Tally(
            Batch.of(days(seconds, seed)),
            (1, AHEAD_SECONDS // seconds),
            first_target=LEARNT_DAYS * DAY_SECONDS // seconds,
        )
        score_all(tally, entrants)
        names = shown(tally, entrants, k=1)
        rows.append([cadence, *(f"{median_and_mean(tally.ratio(name, LAST)[:, 1])[0]:.3f}" for name in names)])
    return results_page.table(["cadence", *names], rows)


def days(cadence: int, seed: int) -> list[Series]:
    """Series of a day that repeats in any shape, under noise: four days at the cadence, in seconds."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(0.0, (LEARNT_DAYS + 1) * DAY_SECONDS, cadence)
    wave = cycle(rng, np.repeat(seconds[:, None] / DAY_SECONDS, SERIES, axis=1))
    values = wave + NOISE * rng.standard_normal(wave.shape)
    return [Series("days", str(n), values[:, n], seconds, DAY_SECONDS // cadence) for n in range(SERIES)]
