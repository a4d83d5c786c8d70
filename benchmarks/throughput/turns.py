"""A process that scores ten readings of a thousand series for every line it reads, and says what CPU time they took.

It knows the checkout it runs in by the tests' own judge and readings alone, so that an older one can be measured too.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from connectors.columns import Readings
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings

SERIES, STEPS, MOST = 1_000, 10, 4_000
WARM = 120  # chunks: steps that keep coming are machine code by then, or recorded


def chunks() -> Iterator[Readings]:
    """Noise around walks, a reading a minute."""
    rng = np.random.default_rng(0)
    values = 50 + np.cumsum(rng.normal(size=(MOST, SERIES)), 0) * 0.1 + rng.normal(size=(MOST, SERIES))
    names = [f"s{number}" for number in range(SERIES)] * STEPS
    for at in range(0, MOST, STEPS):
        seconds = list(np.repeat(np.arange(at, at + STEPS) * 60.0, SERIES))
        yield readings(names, seconds, values[at : at + STEPS].reshape(-1, 1), first_offset=at * SERIES)


def main() -> None:
    """Warm up, say so, and answer line by line."""
    torch.set_num_threads(1)
    partition, of_all = Partition(judge(line=1e-4), WHERE), chunks()
    for _ in range(WARM):
        partition.advance(next(of_all))
    print("ready", flush=True)
    for _ in sys.stdin:
        chunk, began = next(of_all), time.process_time()
        partition.advance(chunk)
        print((time.process_time() - began) / len(chunk), flush=True)


if __name__ == "__main__":
    main()
