"""A script: writes the golden checkpoint of the format in force, once for each version; the file stays for ever.

Usage: python tests/golden/make_checkpoint.py, from the root of the checkout, after `FORMAT_VERSION` has moved.
"""

from pathlib import Path

import numpy as np

from connectors.columns import TopicPartition
from connectors.ports import StateKey
from streamer.checkpoint import FORMAT_VERSION, Checkpoint, SavedColumn, encode

HERE = Path(__file__).parent


def golden() -> Checkpoint:
    """Two series and an array of every dtype; `test_golden.py` has the same numbers."""
    return Checkpoint(
        key=StateKey("machines", TopicPartition("readings", 3)),
        next_offset=4711,
        artifact="gru4-0123456789",
        artifact_content=bytes(range(16)),
        settings={"cell": "gru", "alarms": {"per_day": 2.5, "pins": ["a", None, True]}},
        build={"torch": "2.13.0", "device": "cpu"},
        counters={"watermark": 1_700_000_000_000_000_001, "line": 0.1, "open": None},
        series=["pump-1", "Füllstand\n2"],
        columns={
            "hidden": SavedColumn(2, np.array([[0.5, -0.25], [1e-30, 3.0]], np.float32)),
            "mean": SavedColumn(1, np.array([0.1, np.nan])),
            "step": SavedColumn(1, np.array([[[7]], [[-1]]], np.int32)),
            "warming": SavedColumn(3, np.array([True, False])),
        },
        shared={"pool": np.array([2**40, 0, -1]), "bits": np.array([[1, 255]], np.uint8)},
    )


if __name__ == "__main__":
    (HERE / f"format-{FORMAT_VERSION}.checkpoint").write_bytes(b"".join(encode(golden())))
