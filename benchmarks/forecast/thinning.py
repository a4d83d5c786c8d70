"""Does the band hold where a stream is thinned tenfold, evenly or at random?"""

from collections.abc import Sequence

import numpy as np
import results_page
import torch

from forecast.batch import Batch, Float64, Series
from forecast.contenders import chunks, of_rows
from forecast.entrants import Entrant
from forecast.field import score_all, shown
from forecast.scores import TAIL, Tally
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.transform import Transform

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
        found |= {f"{one.name}, as served": served(tally.batch, one.trained((1,)).forecaster) for one in entrants}
        for name, shares in found.items():
            covered.setdefault(name, []).append(f"{np.nanmean(shares):.3f}")
    rows = [[name, *cells] for name, cells in covered.items()]
    of = f"{len(long)} series of {SHORTEST:,} readings or more; of the first column's the first tenth."
    return [of, "", *results_page.table(["forecaster", *ways], rows)]


@torch.inference_mode()
def served(batch: Batch, forecaster: Forecaster) -> Float64:
    """The share of the readings that lies in the band that the detector gives with them. -> (B,)."""
    detector = Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=1 - 2 * TAIL))
    inside, judged = np.zeros(len(batch.series)), np.zeros(len(batch.series))
    state: State = {}
    pool = Pool.fresh(Budget())
    for chunk in chunks(batch):
        state = of_rows(state, detector.columns, chunk)
        readings, alive = chunk.readings, chunk.alive
        for t in chunk.steps:
            context = Context.of(readings.elapsed[t], readings.calendar[t])
            outcome, state = detector.step(readings.values[t], readings.present[t], context, state, pool)
            counts = outcome.is_judged[:alive, 0]
            is_inside = (outcome.value - outcome.forecast).abs()[:alive, 0] <= outcome.half_band[:alive, 0]
            inside[:alive] += (counts & is_inside).numpy()
            judged[:alive] += counts.numpy()
    return inside / judged
