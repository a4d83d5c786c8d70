"""What a forecaster is worth on readings it never saw, judged by the detector as it runs live."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from models.cells import TILE_ROWS
from models.column import fresh_state
from models.detector import Detector
from models.outcome import Outcome
from models.pool import BIN_WIDTH, Pool, fold
from models.training.batches import padded
from models.training.forecasting import Batch


class Evaluation(NamedTuple):
    """Figures, and the counts of surprise that a new pool begins with."""

    prior: Tensor  # int64 (BINS,)
    metrics: dict[str, float]


@torch.inference_mode()
def evaluate(detector: Detector, held_out: Iterable[Batch]) -> Evaluation:
    """Step every reading, from no state on, and weigh the scored ones."""
    pool, parts = Pool.fresh(1e-3), []
    for batch in (padded(batch, TILE_ROWS) for batch in held_out):
        state = fresh_state(detector.columns, batch.values.shape[1])
        readings = zip(batch.values, batch.present, batch.elapsed, batch.calendar, strict=True)
        for scored, reading in zip(batch.scored, readings, strict=True):
            outcome, state = detector.step(*reading, state, pool)
            outcome = outcome._replace(is_judged=outcome.is_judged & scored)
            parts.append(Outcome(*(column[outcome.is_judged.any(1)] for column in outcome)))
    outcome = Outcome(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    prior = fold(pool, outcome).open
    return Evaluation(prior, {**_of_forecasts(detector, outcome), **_of_surprise(prior)})


def _of_forecasts(detector: Detector, outcome: Outcome) -> dict[str, float]:
    band = detector.explain(outcome)
    is_inside = (outcome.value >= band.lower) & (outcome.value <= band.upper)
    judged = outcome.is_judged
    return {"judged": float(judged.sum()), "band_coverage": float(is_inside[judged].double().mean())}


def _of_surprise(counts: Tensor) -> dict[str, float]:
    """How often readings are as improbable as they should be one time in a hundred, and in ten thousand."""
    beyond = counts.flip(0).cumsum(0).flip(0) / counts.sum().clamp_min(1)
    return {f"share_beyond_p_1e-{decades}": float(beyond[round(decades / BIN_WIDTH)]) for decades in (2, 4)}
