"""Does the band hold where a stream is thinned tenfold, evenly or at random?"""

from collections.abc import Sequence

import numpy as np
import results_page

from forecast.batch import Batch, Float64, Series
from forecast.entrants import Entrant
from forecast.field import score_all, shown
from forecast.scores import Tally
from forecast.served import served, shares_of

SHORTEST, TENFOLD = 4000, 10  # readings


def thinning_table(series: Sequence[Series], entrants: Sequence[Entrant], seed: int) -> list[str]:
    """Coverage of the 90 % band of the next reading, mean over the series; equally many readings in each way."""
    rng = np.random.default_rng(seed)
    long = [one for one in series if len(one.values) >= SHORTEST]
    ways = {
        "all readings": [one.head(len(one.values) // TENFOLD) for one in long],
        "every tenth": [one.thinned(slice(None, None, TENFOLD)) for one in long],
        "one in ten at random": [one.thinned(rng.random(len(one.values)) < 1 / TENFOLD) for one in long],
    }
    covered: dict[str, list[str]] = {}
    for kept in ways.values():
        tally = score_all(Tally(Batch.of(kept), (1,)), entrants)
        found = {name: tally.mean(name, "covered") for name in shown(tally, entrants)}
        found |= {f"{one.name}, as served": shares_served(tally.batch, one) for one in entrants}
        for name, shares in found.items():
            covered.setdefault(name, []).append(f"{np.nanmean(shares):.3f}")
    rows = [[name, *cells] for name, cells in covered.items()]
    of = f"{len(long)} series of {SHORTEST:,} readings or more; of the first column's the first tenth."
    return [of, "", *results_page.table(["forecaster", *ways], rows)]


def shares_served(batch: Batch, entrant: Entrant) -> Float64:
    """The share of each series' readings that lies in the band that was served. -> (B,)."""
    return shares_of(*served(batch, entrant.trained((1,)).forecaster))[:, 0]
