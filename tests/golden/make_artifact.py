"""A script: writes the golden artifact of the format in force, once for each version; the file stays for ever.

Usage: python tests/golden/make_artifact.py, from the root of the checkout, after `FORMAT_VERSION` has moved.
"""

import json
import math
from pathlib import Path

import torch

from models.artifact import FORMAT_VERSION, Artifact, Origin, load, save
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.calibration.prior import BINS
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Spec, build
from models.transform import Transform

HERE = Path(__file__).parent
ROWS, READINGS, CHANNELS = 32, 12, 2


def golden() -> Artifact:
    """A small artifact with something in every part."""
    torch.manual_seed(0)
    spec = Spec("gru", 4, "recurrent")
    origin = Origin(
        training={"seed": 7, "window": 64},
        metrics={"crps_ratio": 0.75},
        data={"fingerprint": "0123456789abcdef", "series": 3},
        versions={"torch": "2.13.0"},
    )
    return Artifact(spec, build(spec), torch.arange(BINS, dtype=torch.int64), origin)


@torch.inference_mode()
def forecasts(artifact: Artifact) -> list[list[float | None]]:
    """What the weights say of the next of some readings, a list a reading; None before there is a forecast."""
    detector = Detector(artifact.forecaster, DetectorOptions((Transform.NONE,) * CHANNELS))
    state, pool, said = fresh_state(detector.columns, ROWS), Pool.fresh(Budget()), []
    present = torch.ones(ROWS, CHANNELS, dtype=torch.bool)
    thursday = torch.tensor([0.0, 3 / 7]).expand(ROWS, 2)  # at midnight
    for number in range(READINGS):
        values = torch.tensor([number * 7 % 5, -number * 3 % 4], dtype=torch.float64).expand(ROWS, CHANNELS)
        elapsed = torch.full((ROWS,), 60.0 * (1 + 5 * (number == 8)) if number else math.nan)  # one gap
        outcome, state = detector.step(values, present, Context.of(elapsed, thursday), state, pool)
        said.append([None if math.isnan(forecast) else forecast for forecast in outcome.forecast[0].tolist()])
    return said


if __name__ == "__main__":
    path = HERE / f"format-{FORMAT_VERSION}.safetensors"
    save(golden(), path)
    path.with_suffix(".json").write_text(json.dumps(forecasts(load(path))) + "\n")
