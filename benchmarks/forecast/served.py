"""How often the bands hold that the detector serves, which follow what came."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import results_page
import torch
from torch import Tensor

from forecast.batch import Batch, Float64
from forecast.contenders import chunks, of_rows
from forecast.entrants import Entrant
from forecast.scores import TAIL
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.training.forecasting import Reading
from models.transform import Transform
from streamer.native.quick import Quick


def served_table(batch: Batch, horizons: tuple[int, ...], entrants: Sequence[Entrant]) -> list[str]:
    """The share of the readings inside, by horizon: of the median series, of that which a tenth are below, of all."""
    rows = []
    for entrant in entrants:
        forecaster = entrant.trained(horizons).forecaster
        inside, judged = served(batch, forecaster)
        shares = shares_of(inside, judged)
        for k, horizon in enumerate(forecaster.horizons):
            tenth, median = np.nanquantile(shares[:, k], (0.1, 0.5))
            whole = inside[:, k].sum() / judged[:, k].sum()
            rows.append([entrant.name, str(horizon), f"{median:.3f}", f"{tenth:.3f}", f"{whole:.3f}"])
    return results_page.table(["forecaster", "h", "median series", "first tenth of series", "all readings"], rows)


def shares_of(inside: Float64, judged: Float64) -> Float64:
    """The share of each series' readings that lay inside, NaN where none was judged. (B, K) each -> (B, K)."""
    return np.divide(inside, judged, out=np.full_like(inside, np.nan), where=judged > 0)


@torch.inference_mode()
def served(batch: Batch, forecaster: Forecaster) -> tuple[Float64, Float64]:
    """How many readings lay in the band that was given for them, and how many there were. -> (B, K) each."""
    horizons = forecaster.horizons
    server = _Server(Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=1 - 2 * TAIL)))
    inside, judged = np.zeros((2, len(batch.series), len(horizons)))
    nothing = torch.full((2, len(batch.series), len(horizons) - 1), torch.nan)
    waiting = deque([nothing] * max(horizons), maxlen=max(horizons))  # the edges given after the last readings
    step = Quick(server.step, patience=0)
    state: State = {}
    for chunk in chunks(batch):
        state = of_rows(state, server.detector.columns, chunk)
        alive = chunk.alive
        for t in chunk.steps:
            (values, is_judged, lower, upper, *edges), state = step(chunk.readings.at(t), state)
            bands: list[tuple[Tensor, ...]] = [(lower[:alive, 0], upper[:alive, 0])]
            bands += [waiting[-horizon][:, :alive, k].unbind() for k, horizon in enumerate(horizons[1:])]
            value = values[:alive, 0]
            for k, (low, high) in enumerate(bands):
                inside[:alive, k] += ((low <= value) & (value <= high)).numpy()
                judged[:alive, k] += (is_judged[:alive, 0] & low.isfinite()).numpy()
            if edges:
                waiting.append(torch.stack([edge[:, 0] for edge in edges]))
    return inside, judged


class _Server(NamedTuple):
    """A detector by the lines that there are before anything was counted."""

    detector: Detector
    pool: Pool = Pool.fresh(Budget())

    def step(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """Value, whether it is judged, and the edges of its band, (B, C) each; those of further horizons; the state."""
        context = Context.of(reading.elapsed, reading.calendar)
        outcome, after = self.detector.step(reading.values, reading.present, context, state, self.pool)
        says = self.detector.explain(outcome)
        ahead = self.detector.ahead(after)[1:] if len(self.detector.forecaster.horizons) > 1 else ()
        return (outcome.value, outcome.is_judged, says.lower, says.upper, *ahead), after
