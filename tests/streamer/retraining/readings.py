"""Readings of a small fleet in a file, and a configuration that retrains on them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from streamer import config
from streamer.config import Config

SERIES, LENGTH = 6, 240
FIRST_SECOND = 1_767_600_000


def write(path: Path, seed: int = 0) -> None:
    """Noisy waves a minute apart, each series by its own phase."""
    random = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["series", "time", "value"])
        for step in range(LENGTH):
            for series in range(SERIES):
                value = 10 * np.sin(2 * np.pi * (step / 12 + series / SERIES)) + random.normal() + 100 * series
                writer.writerow([f"pump-{series}", FIRST_SECOND + 60 * step, round(float(value), 4)])


def configuration(folder: Path, cell: str = "gru", training: dict[str, Any] | None = None, **rules: Any) -> Config:
    """Retrains on a file in the folder; the shelf is beside it."""
    write(folder / "pumps.csv")
    group = {
        "name": "pumps",
        "topics": ["pumps"],
        "cell": cell,
        "artifact": str(folder / "shelf"),
        "format": {
            "type": "json",
            "series_field": "series",
            "timestamp_field": "time",
            "timestamp_unit": "seconds",
        },
    }
    data = {"type": "files", "files": [{"path": str(folder / "pumps.csv"), "key_field": "series"}]}
    return config.parse(
        {
            "source": {"type": "replay", "files": [{"path": str(folder / "pumps.csv"), "topic": "pumps"}]},
            "sink": {"type": "discard"},
            "groups": [group],
            "device": "cpu",
            "training": {"data": data, "epochs": 1, "rows": 32, "length": 128, "window": 32} | (training or {}),
            "retraining": {"min_readings": 50, "lead_readings": 64} | rules,
        },
        "test",
    )
