"""Bands as served: each is held against the reading that it is of, and against no other."""

import numpy as np
import pytest
import torch
from forecast.batch import Batch, Series
from forecast.served import served

from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.transform import Transform
from streamer.calendar import calendar_of
from tests.stepped import SOON, stepped

HORIZONS, ROWS = (1, 3, 12), 32


@pytest.mark.parametrize("lengths", [(150, 150), (300, 140)])
def test_a_band_counts_where_its_reading_has_come(lengths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    all_series = [Series("some", str(n), rng.normal(size=n), 60.0 * np.arange(float(n)), season=5) for n in lengths]
    forecaster = load(shipped("gru")).forecaster.at(HORIZONS)
    detector = detector_of(forecaster)

    inside, judged = served(Batch.of(all_series), forecaster)

    for row, series in enumerate(all_series):
        bands = edges(detector, series)
        for k, horizon in enumerate(HORIZONS):
            values = series.values[horizon:]
            lower, upper = (edge[: len(values), k] for edge in bands)
            assert judged[row, k] == np.isfinite(lower).sum()
            assert inside[row, k] == ((lower <= values) & (values <= upper)).sum()


def detector_of(forecaster: Forecaster) -> Detector:
    return Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=0.9))


@torch.inference_mode()
def edges(detector: Detector, series: Series) -> list[np.ndarray]:
    """The edges of the bands given after every reading, those of the next one among them. -> (T, K) twice."""
    state, step = fresh_state(detector.columns, ROWS), stepped(detector, SOON)
    pool, nothing = Pool.fresh(Budget()), torch.zeros(ROWS, 1, dtype=torch.bool)
    phases = torch.from_numpy(calendar_of("UTC").phases((series.seconds * 1e9).astype(np.int64)))
    found = []
    for n, value in enumerate(series.values):
        elapsed = torch.full((ROWS,), 60.0 if n else torch.nan)
        context = Context.of(elapsed, phases[n].expand(ROWS, 2))
        _, state = step(torch.full((ROWS, 1), value, dtype=torch.float64), ~nothing, context, state, pool)
        ahead = detector.ahead(state)
        after = elapsed.fill_(60.0), phases[min(n + 1, len(phases) - 1)].expand(ROWS, 2)
        outcome, _ = step(torch.zeros(ROWS, 1, dtype=torch.float64), ~nothing, Context.of(*after), state, pool)
        says = detector.explain(outcome)
        found.append(
            [torch.cat((a[0, :1], b[0, 0])) for a, b in ((says.lower, ahead.lower), (says.upper, ahead.upper))]
        )
    return [torch.stack(edge).numpy() for edge in zip(*found, strict=True)]
