"""How often the bands hold that the detector serves, which follow what came."""

from collections import deque
from collections.abc import Sequence

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
from models.transform import Transform


def served_table(batch: Batch, horizons: tuple[int, ...], entrants: Sequence[Entrant]) -> list[str]:
    """The share of the readings inside, by horizon: of the median series, of that which a tenth are below, of all."""
    rows = []
    for entrant in entrants:
        forecaster = entrant.trained(horizons).forecaster
        inside, judged = served(batch, forecaster)
        for k, horizon in enumerate(forecaster.horizons):
            shares = inside[:, k] / judged[:, k]
            tenth, median = np.nanquantile(shares, (0.1, 0.5))
            whole = inside[:, k].sum() / judged[:, k].sum()
            rows.append([entrant.name, str(horizon), f"{median:.3f}", f"{tenth:.3f}", f"{whole:.3f}"])
    return results_page.table(["forecaster", "h", "median series", "first tenth of series", "all readings"], rows)


@torch.inference_mode()
def served(batch: Batch, forecaster: Forecaster) -> tuple[Float64, Float64]:
    """How many readings lay in the band that was given for them, and how many there were. -> (B, K) each."""
    horizons = forecaster.horizons
    detector = Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=1 - 2 * TAIL))
    inside, judged = np.zeros((2, len(batch.series), len(horizons)))
    nothing = torch.full((2, len(batch.series), len(horizons) - 1), torch.nan)
    waiting = deque([nothing] * max(horizons), maxlen=max(horizons))  # the edges given after the last readings
    state: State = {}
    pool = Pool.fresh(Budget())
    for chunk in chunks(batch):
        state = of_rows(state, detector.columns, chunk)
        readings, alive = chunk.readings, chunk.alive
        for t in chunk.steps:
            context = Context.of(readings.elapsed[t], readings.calendar[t])
            outcome, state = detector.step(readings.values[t], readings.present[t], context, state, pool)
            says = detector.explain(outcome)
            bands: list[tuple[Tensor, ...]] = [(says.lower[:alive, 0], says.upper[:alive, 0])]
            bands += [waiting[-horizon][:, :alive, k].unbind() for k, horizon in enumerate(horizons[1:])]
            for k, (lower, upper) in enumerate(bands):
                value = outcome.value[:alive, 0]
                inside[:alive, k] += ((lower <= value) & (value <= upper)).numpy()
                judged[:alive, k] += (outcome.is_judged[:alive, 0] & lower.isfinite()).numpy()
            if len(horizons) > 1:
                waiting.append(torch.stack([edge[:, 0] for edge in detector.ahead(state)[1:]]))
    return inside, judged
