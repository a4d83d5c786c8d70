"""A script: writes the golden checkpoints of real partitions, once for each released format.

Usage: python -m tests.golden.make_partition, from the root of the checkout, after `FORMAT_VERSION` has moved. Never
run it over files that were released: that old state is gone on from is what they are for.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from connectors.columns import Readings
from streamer import snapshot
from streamer.checkpoint import FORMAT_VERSION, encode
from streamer.order import OrderOptions
from streamer.partition import Partition
from tests.streamer.fleets import SECOND_NS, WHERE, judge, walk

FOLDER = Path(__file__).parent
CELLS = ("gru", "lstm")
NAMES = ("forecast", "anomaly_score")


def checkpoint_path(cell: str, version: int = FORMAT_VERSION) -> Path:
    """Where the golden checkpoint of a cell is."""
    return FOLDER / f"{cell}-{version}.checkpoint"


def readings_after() -> Readings:
    """What the partition is to judge after it was restored."""
    later = walk(40, series=5, channels=2, seed=1)
    return replace(later, timestamp=later.timestamp + 10_000 * SECOND_NS)


def judged(partition: Partition) -> dict[str, list[float]]:
    """What it makes of them."""
    results = partition.advance(readings_after()).results
    return {name: np.concatenate([getattr(result, name) for result in results]).ravel().tolist() for name in NAMES}


def main() -> None:
    """Write the files that are not there."""
    for cell in CELLS:
        path = checkpoint_path(cell)
        if path.exists():
            sys.exit(f"{path}: expected no file, got one: it is golden")
        partition = Partition(judge(cell, channels=2, order=OrderOptions(reorder_seconds=3)), WHERE)
        partition.advance(walk(4_500, series=5, channels=2))
        path.write_bytes(b"".join(encode(snapshot.take(partition, 4_500))))
        expected = {name: [None if np.isnan(x) else x for x in column] for name, column in judged(partition).items()}
        path.with_suffix(".json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
