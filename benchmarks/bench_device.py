"""What is a GPU worth? One step of the detector, and whole roads, on each device of this machine.

python benchmarks/bench_device.py --markdown    measures everything and writes the section of RESULTS.md
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

import results_page
import torch
from cells.machine import Clock, Peak
from devices.steps import Steps
from throughput import in_memory
from throughput.meter import Sample
from throughput.workload import Plan

ROWS = (32, 256, 1024, 2048, 4096, 16_384)
ROADS: dict[str, Callable[..., list[Sample]]] = {
    "columns to scores": in_memory.columns_to_scores,
    "memory, bulk results": partial(in_memory.records_to_messages, form="bulk"),
}


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    results_page.tell(_report(options), options.markdown)
    return 0


def _report(options: argparse.Namespace) -> Iterator[str]:
    """The section, part by part, as it is measured."""
    clocks = [Clock(torch.device(device), options.seconds) for device in _devices()]
    peaks = [Peak.of(clock) for clock in clocks]
    yield f"{results_page.machine()}; one thread. {'; '.join(map(_described, clocks, peaks))}."
    yield ""
    yield f"One step of the detector ({options.cell}, compact, one channel) in ms, called operation by operation and"
    yield f"replayed; and what {clocks[-1].device.type} takes to copy the state of its rows:"
    yield from ["", *_steps(clocks, peaks[-1], options), ""]
    yield f"Thousands of readings a second by the clock on the wall, median of {options.repetitions} repetitions:"
    yield from ["", *_roads(options), ""]


def _steps(clocks: Sequence[Clock], peak: Peak, options: argparse.Namespace) -> list[str]:
    contenders = [(clock, steps) for clock in clocks for steps in Steps.of(clock.device, options.cell)]
    least = contenders[-1][1].moved_bytes / peak.bytes
    table = []
    for rows in options.rows:
        rates = [clock.rate(1, steps.at(rows)) for clock, steps in contenders]
        table.append([f"{rows:,}", *(f"{1e3 / rate:.2f}" for rate in rates), f"{1e3 * rows * least:.4f}"])
    return results_page.table(["rows", *(steps.name for _, steps in contenders), "its bytes alone"], table)


def _roads(options: argparse.Namespace) -> list[str]:
    rows = []
    for series in options.series:
        plan = Plan.of(series, options.readings, options.repetitions)
        for road, measure in ROADS.items():
            rates = [_rates(measure(plan, options.cell, device=device)) for device in _devices()]
            row = [road, f"{series:,}", *(f"{median(of):.0f} ({of[0]:.0f} to {of[-1]:.0f})" for of in rates)]
            print(" · ".join(row), file=sys.stderr, flush=True)
            rows.append(row)
    return results_page.table(["road", "series", *_devices()], rows)


def _rates(samples: Sequence[Sample]) -> list[float]:
    return sorted(sample.readings / sample.wall_seconds / 1e3 for sample in samples)


def _devices() -> list[str]:
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def _described(clock: Clock, peak: Peak) -> str:
    name = "one core" if clock.device.type == "cpu" else torch.cuda.get_device_name(clock.device)
    return f"{name}: {peak.flops / 1e9:,.0f} GFLOP/s of products, {peak.bytes / 1e9:,.0f} GB/s of copies"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="of a step; several in turn")
    parser.add_argument("--series", type=int, nargs="+", default=[1_000, 100_000], help="how many; several in turn")
    parser.add_argument("--cell", choices=("gru", "lstm"), default="gru")
    parser.add_argument("--readings", type=int, default=100_000, help="of a repetition")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure of the first table")
    return results_page.parsed(parser, "device")


if __name__ == "__main__":
    sys.exit(main())
