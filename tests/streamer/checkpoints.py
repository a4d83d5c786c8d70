"""Checkpoints to test with, and what it means that two are the same."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.columns import TopicPartition
from connectors.ports import StateKey
from streamer.checkpoint import Checkpoint, SavedColumn

KEY = StateKey("machines", TopicPartition("readings", 3))


def a_checkpoint(**changes: Any) -> Checkpoint:
    """Three series, a column of each width, an array of the partition's own; with these changes."""
    series = ["a", "ü\nand 'more'", ""]
    hidden = np.arange(12, dtype=np.float32).reshape(3, 2, 2) / 7
    checkpoint = Checkpoint(
        key=KEY,
        next_offset=4711,
        artifact="gru16-0123456789",
        artifact_content=b"an artifact",
        settings={"cell": "gru", "limits": {"per_day": 2.5, "pins": ["a", None, True]}},
        build={"torch": "2.13.0", "device": "cpu"},
        counters={"watermark": 1_700_000_000_000_000_001, "epoch_accepted": 17, "line": 0.1 + 0.2, "none": None},
        series=series,
        columns={
            "hidden": SavedColumn(2, hidden),
            "mean": SavedColumn(1, np.array([0.1, np.nan, -0.0])),
            "seen": SavedColumn(1, np.array([7, -1, 2**40])),
            "warming": SavedColumn(1, np.array([True, False, True])),
        },
        shared={"pool": np.arange(5), "epochs": np.array(3, np.int32)},
        source={"topic_id": "sJk2", "partitions": 4},
    )
    return replace(checkpoint, **changes)


def assert_same_array(got: NDArray[Any], expected: NDArray[Any]) -> None:
    """Equal to the bit, NaN and signed zeros included."""
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    assert got.tobytes() == expected.tobytes()


def assert_same(got: Checkpoint, expected: Checkpoint) -> None:
    """Equal in every part."""
    for name in (
        "key",
        "next_offset",
        "artifact",
        "artifact_content",
        "settings",
        "build",
        "counters",
        "series",
        "source",
    ):
        assert getattr(got, name) == getattr(expected, name), name
    assert {name: column.version for name, column in got.columns.items()} == {
        name: column.version for name, column in expected.columns.items()
    }
    for name, column in expected.columns.items():
        assert_same_array(got.columns[name].values, column.values)
    assert got.shared.keys() == expected.shared.keys()
    for name, values in expected.shared.items():
        assert_same_array(got.shared[name], values)
