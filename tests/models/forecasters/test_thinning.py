"""A stream of which one reading in ten is left is covered by its bands as the whole one is."""

import pytest
import torch

from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.training.forecasting import Batch
from models.transform import Transform
from tests.models.walks import DAY, phases
from tests.stepped import Stepped

LENGTH, ROWS, TIMES = 1_000, 32, 10
CADENCE = 60.0
BAND = 0.9


def stream() -> Batch:
    """Autoregressive series of short and long memory, half of them around a day."""
    rng = torch.Generator().manual_seed(5)
    shocks = torch.randn(LENGTH, ROWS, generator=rng, dtype=torch.float64)
    persistence = torch.tensor([0.5, 0.9, 0.99]).repeat(ROWS)[:ROWS].double()
    values, value = [], torch.zeros(ROWS, dtype=torch.float64)
    for shock in shocks:
        value = persistence * value + shock
        values.append(value)
    seconds = torch.arange(LENGTH).double().unsqueeze(1) * CADENCE
    day = 8 * torch.sin(seconds * (2 * torch.pi / DAY)) * (torch.arange(ROWS) % 2)
    return batch(torch.stack(values) + day + 50, seconds, CADENCE)


def batch(values: torch.Tensor, seconds: torch.Tensor, cadence: float) -> Batch:
    """One channel a row. values: (T, B), seconds: (T, 1)."""
    readings = values.unsqueeze(-1)
    present = torch.ones_like(readings, dtype=torch.bool)
    elapsed = torch.full(values.shape, cadence)
    return Batch(readings, present, present, elapsed, phases(seconds.expand(-1, values.shape[1])))


def thinned(whole: Batch) -> Batch:
    """One reading in ten, ten times over: each series gives ten."""
    parts = [whole.values[first::TIMES, :, 0] for first in range(TIMES)]
    seconds = torch.arange(LENGTH // TIMES).double().unsqueeze(1) * CADENCE * TIMES
    return batch(torch.cat(parts, 1), seconds, CADENCE * TIMES)


@torch.inference_mode()
def coverage(forecaster: Forecaster, readings: Batch) -> float:
    """The share of the second half of the readings that lies in its band."""
    detector = Detector(forecaster, DetectorOptions((Transform.NONE,), band_coverage=BAND))
    length, rows, _ = readings.values.shape
    state, pool, step = fresh_state(detector.columns, rows), Pool.fresh(Budget()), Stepped(detector)
    covered = []
    for reading in readings.readings():
        outcome, state = step(*reading, state, pool)
        covered.append((outcome.value - outcome.forecast).abs() <= outcome.half_band)
    return float(torch.stack(covered[length // 2 :]).float().mean())


@pytest.mark.parametrize("choice", [("", "experts"), ("gru", "combiner"), ("lstm", "combiner")], ids=" ".join)
def test_thinning_a_stream_tenfold_keeps_the_coverage(choice: tuple[str, str]) -> None:
    forecaster = load(shipped(*choice)).forecaster
    whole = stream()

    assert coverage(forecaster, thinned(whole)) == pytest.approx(coverage(forecaster, whole), abs=0.02)
