"""Seeded walks to take forecasters along: noise, drifts and days, with channels that are missing and time that is."""

import torch
from torch import Tensor

from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import State, fresh_state
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.heads import StudentT
from models.training.forecasting import Batch
from models.transform import Transform

DAY, WEEK = 86_400.0, 604_800.0


def walk(
    length: int, rows: int = 32, channels: int = 1, seed: int = 0, flaws: float = 0.0, cadence_seconds: float = 900.0
) -> Batch:
    """Random walks around a day, each with a noise and a level of its own.

    flaws: the share of values that are missing, and of steps that take ten times as long.
    """
    rng = torch.Generator().manual_seed(seed)
    shape = (length, rows, channels)
    steps = torch.where(torch.rand(length, rows, generator=rng) < flaws, 10.0, 1.0)
    seconds = (steps * cadence_seconds).cumsum(0).double()
    noise, shocks = torch.randn(2, *shape, generator=rng, dtype=torch.float64)
    size, level = torch.rand(2, rows, channels, generator=rng, dtype=torch.float64)
    day = torch.sin(seconds * (2 * torch.pi / DAY)).unsqueeze(-1)
    values = level * 50 + size * noise + (1 - size) * shocks.cumsum(0) * 0.3 + 3 * day
    present = torch.rand(shape, generator=rng) >= flaws
    elapsed = (steps * cadence_seconds).float()
    elapsed[0] = torch.nan
    return Batch(values, present, present, elapsed, phases(seconds))


def phases(seconds: Tensor) -> Tensor:
    """The phases of the day and of the week. (...) -> (..., 2) float32."""
    return (torch.stack((seconds / DAY, seconds / WEEK), -1) % 1.0).float()


def detector_of(forecaster: Forecaster, channels: int) -> Detector:
    return Detector(forecaster, DetectorOptions((Transform.NONE,) * channels))


@torch.inference_mode()
def taken(forecaster: Forecaster, batch: Batch, state: State | None = None) -> tuple[StudentT, dict[str, Tensor]]:
    """Take a forecaster along a walk as it is live. -> what it forecast after each reading, (T, B, C, K), and state."""
    _, rows, channels = batch.values.shape
    detector = detector_of(forecaster, channels)
    after = dict(state or fresh_state(detector.columns, rows))
    pool = Pool.fresh(Budget())
    said = []
    for reading in batch.readings():
        _, after = detector.step(*reading, after, pool)
        said.append(forecaster.ahead(after))
    return StudentT(*(torch.stack(part) for part in zip(*said, strict=True))), after
