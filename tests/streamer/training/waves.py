"""Waves to train on: what files and topics hold in these tests."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from connectors.columns import Readings, TopicPartition
from streamer.training.series import Series
from tests.device import DEVICE

FIRST_SECOND = 1_767_225_600  # the first of January 2026
STEP_SECONDS = 1_800
HERE = TopicPartition("pumps", 0)


def wave(name: str, readings: int, seed: int = 0, channels: int = 1) -> Series:
    """Noisy waves of half a day, one reading each half an hour."""
    rng = np.random.default_rng([seed, len(name), readings])
    phase = np.arange(readings)[:, None] / 24 + rng.random((1, channels))
    values = 10.0 + 3 * np.sin(2 * np.pi * phase) + 0.3 * rng.normal(size=(readings, channels))
    timestamp = (FIRST_SECOND + STEP_SECONDS * np.arange(readings)) * 1_000_000_000
    return Series(name, timestamp, values, np.ones_like(values, dtype=np.bool_))


def readings_of(*series: Series) -> Readings:
    """The readings of some series, one after the other in one partition."""
    count = sum(map(len, series))
    return Readings(
        "pumps",
        HERE,
        np.concatenate([np.full(len(one), one.name, dtype=object) for one in series]),
        np.arange(count),
        np.zeros(count, dtype=np.int64),
        *(np.concatenate([getattr(one, column) for one in series]) for column in ("timestamp", "values", "present")),
    )


def rows(series: Series) -> list[dict[str, Any]]:
    """The readings as JSON objects."""
    return [
        {"time": int(time) // 1_000_000_000, "pump": series.name, "pressure": value}
        for time, value in zip(series.timestamp, series.values[:, 0].tolist(), strict=True)
    ]


def write_lines(path: Path, *series: Series) -> Path:
    """A file of JSON lines, the series taking turns."""
    turns = sorted((row for one in series for row in rows(one)), key=lambda row: row["time"])
    path.write_text("".join(f"{json.dumps(row)}\n" for row in turns))
    return path


def config(path: Path, **training: Any) -> dict[str, Any]:
    """A configuration that trains a small network on a file. ``training`` changes its table."""
    table: dict[str, Any] = {
        "data": {"type": "files", "files": [{"path": str(path)}]},
        "start": {"type": "random", "hidden": 4},
        "output": str(path.with_name("pumps.safetensors")),
        "epochs": 2, "rows": 32, "length": 32, "window": 16, "learning_rate": 0.01,
    }  # fmt: skip
    return {
        "groups": [
            {
                "name": "pumps",
                "topics": ["pumps"],
                "format": {
                    "type": "json",
                    "series_field": "pump",
                    "timestamp_field": "time",
                    "timestamp_unit": "seconds",
                },
                "channels": ["pressure"],
            }
        ],
        "source": {"type": "replay", "files": [{"path": str(path), "topic": "pumps"}]},
        "sink": {"type": "files", "directory": str(path.parent / "scored")},
        "http": {"port": 0},
        "device": DEVICE,
        "training": table | training,
    }
