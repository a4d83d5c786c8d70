"""How fast does one checkout score beside another? By turns of ten readings, so that a busy machine slows both alike.

python benchmarks/bench_checkouts.py OTHER .    what of OTHER's speed this checkout has
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import results_page

WORKER = Path(__file__).parent / "throughput" / "turns.py"
PERCENTILES = (10, 25, 50)
TURNS = 190


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="+", help="folders; the first is what others are compared with")
    parser.add_argument("--turns", type=int, default=TURNS, help="of each")
    options = parser.parse_args()
    workers = [_worker(checkout.resolve()) for checkout in options.checkout]
    seconds = np.array([[_turn(worker) for worker in workers] for _ in range(options.turns)])
    for worker in workers:
        worker.kill()
    taken = np.percentile(seconds, PERCENTILES, axis=0)  # (percentiles, checkouts)
    rows = [
        (str(checkout), *(f"{1e6 * one:.2f} ({first / one:.2f})" for one, first in zip(own, taken[:, 0], strict=True)))
        for checkout, own in zip(options.checkout, taken.T, strict=True)
    ]
    header = ("checkout", *(f"{percentile} %" for percentile in PERCENTILES))
    print(
        "CPU time of a reading in µs by percentile of its turns, and the share of the first one's speed:", "", sep="\n"
    )
    print("\n".join(results_page.table(header, rows)))
    return 0


def _worker(checkout: Path) -> "subprocess.Popen[str]":
    """A process in a checkout, warm."""
    worker = subprocess.Popen(
        [sys.executable, WORKER],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    if worker.stdout.readline() != "ready\n":
        raise SystemExit(f"{checkout}: Expected a checkout that scores, got a process that ended")
    return worker


def _turn(worker: "subprocess.Popen[str]") -> float:
    """CPU seconds of a reading, of one turn."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


if __name__ == "__main__":
    sys.exit(main())
