"""What a forecaster is worth on readings it never saw, judged by the detector as it runs live."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.calibration.prior import BIN_WIDTH, BINS, counted
from models.cells import TILE_ROWS
from models.column import fresh_state
from models.detector import Detector
from models.outcome import Outcome
from models.skill import skill
from models.training.batches import padded
from models.training.forecasting import Batch


class Evaluation(NamedTuple):
    """Figures, and the counts of surprise that a new pool begins with."""

    prior: Tensor  # int64 (BINS,)
    metrics: dict[str, float]


@torch.inference_mode()
def evaluate(detector: Detector, held_out: Iterable[Batch]) -> Evaluation:
    """Step every reading, from no state on, and weigh the scored ones.

    ``crps_ratio`` is to the error of the last value, of the median row and channel. ``judged`` are readings of single
    channels.

    Raises:
        ValueError: nothing moves, so there is nothing to tell forecasts by.
    """
    prior, raw = torch.zeros(BINS, dtype=torch.int64), torch.zeros(BINS, dtype=torch.int64)
    ratios, judged, outside = [], 0, 0
    for batch in held_out:
        outcome, last_error = _stepped(detector, padded(batch, TILE_ROWS))
        prior += counted(outcome.signed[outcome.moved & outcome.is_judged].abs()).cpu()
        raw += counted(outcome.raw_surprise[outcome.is_judged]).cpu()
        weighed = skill(outcome, detector.options.band_coverage)
        judged, outside = judged + int(weighed.is_judged.sum()), outside + int(weighed.is_outside.sum())
        score, reference = (numbers.view(len(batch.values), -1).sum(0) for numbers in (weighed.crps, last_error))
        ratios.append((score / reference)[reference > 0])
    moving = torch.cat(ratios)
    if not len(moving) or not prior.any():
        raise ValueError("readings held out: Expected some that move, got none")
    figures = {
        "judged": float(judged),
        "crps_ratio": float(moving.quantile(0.5)),
        "band_coverage": 1 - outside / max(judged, 1),
    }
    return Evaluation(prior, {**figures, **_of_surprise(raw)})


def _stepped(detector: Detector, batch: Batch) -> tuple[Outcome, Tensor]:
    """What the detector says of every reading, and how wrong the last value was. -> (T * B, ...), (T * B, C)."""
    state, pool = fresh_state(detector.columns, batch.values.shape[1]), Pool.fresh(Budget())
    outcomes, errors = [], []
    for scored, reading in zip(batch.scored, batch.readings(), strict=True):
        last = state["last"]
        outcome, state = detector.step(*reading, state, pool)
        is_judged = outcome.is_judged & scored
        outcomes.append(outcome._replace(is_judged=is_judged))
        errors.append((outcome.value - last).abs().masked_fill(~is_judged, 0.0))
    return Outcome(*map(torch.cat, zip(*outcomes, strict=True))), torch.cat(errors)


def _of_surprise(counts: Tensor) -> dict[str, float]:
    """How often readings are as improbable as they should be one time in a hundred, and in ten thousand."""
    beyond = counts.flip(0).cumsum(0).flip(0) / counts.sum().clamp_min(1)
    return {f"share_beyond_p_1e-{decades}": float(beyond[round(decades / BIN_WIDTH)]) for decades in (2, 4)}
