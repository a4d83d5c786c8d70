"""Does the band hold where a stream is thinned tenfold, evenly or at random?"""

from collections.abc import Sequence

import numpy as np
import results_page

from forecast.batch import Batch, Series
from forecast.entrants import Entrant
from forecast.field import score_all, shown
from forecast.scores import Tally

SHORTEST, TENFOLD = 4000, 10  # readings


def thinning_table(series: Sequence[Series], readings: int, entrants: Sequence[Entrant], seed: int) -> list[str]:
    """Coverage of the 90 % band of the next reading, mean over the series that are long enough."""
    rng = np.random.default_rng(seed)
    long = [one for one in series if len(one.values) >= SHORTEST]
    ways = {
        "all readings": long,
        "every tenth": [one.thinned(slice(None, None, TENFOLD)) for one in long],
        "one in ten at random": [one.thinned(rng.random(len(one.values)) < 1 / TENFOLD) for one in long],
    }
    covered: dict[str, list[str]] = {}
    for kept in ways.values():
        tally = score_all(Tally(Batch.of([one.head(readings) for one in kept]), (1,)), entrants)
        for name in shown(tally, entrants):
            covered.setdefault(name, []).append(f"{np.nanmean(tally.mean(name, 'covered')):.3f}")
    rows = [[name, *cells] for name, cells in covered.items()]
    return [
        f"{len(long)} series of {SHORTEST:,} readings or more.",
        "",
        *results_page.table(["forecaster", *ways], rows),
    ]
