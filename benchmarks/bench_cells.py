"""Which cell is worth its cost? Skill on the main task at equal parameters, steps and training readings a second.

python benchmarks/bench_cells.py --markdown    measures everything and writes the section of RESULTS.md
python benchmarks/bench_cells.py --quick       shows in two minutes that it runs; the figures mean nothing
python benchmarks/bench_cells.py --device cuda measures what depends on a GPU; with --markdown, for a section of its own
"""

import argparse
import sys
from collections.abc import Iterator

import results_page
import torch
from cells.lectures import FEATURES, Lectures, Plan, equal_sizes, network_of, parameter_count
from cells.machine import Clock, Peak
from cells.main_task import HEADER, experts_row, task_row
from cells.scans import scan_table
from cells.steps import step_table

from models.cells import CELLS

PLAN, QUICK_PLAN = Plan(seeds=3, batches=12), Plan(seeds=1, batches=1, streams=32, length=128)
LENGTHS, QUICK_LENGTHS = (128, 512, 2048), (128,)  # of the sequences trained on
BATCHES = {"cpu": (64, 512, 2048, 8192), "cuda": (512, 8192, 131_072, 524_288)}
QUICK_BATCHES = (64,)
PARTS = {"cpu": ("task", "training", "steps"), "cuda": ("training", "steps")}  # skill is no matter of the device


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    results_page.tell(_report(options), options.markdown)
    return 0


def _report(options: argparse.Namespace) -> Iterator[str]:
    """The section, part by part, as it is measured."""
    sizes = equal_sizes(options.cell or list(CELLS), parameter_count(network_of("gru", 32)))
    clock = Clock(torch.device(options.device), 0.0 if options.quick else 0.3)
    where = "" if options.device == "cpu" else f" {torch.cuda.get_device_name(clock.device)}."
    yield from [f"{results_page.machine()}; one thread.{where}", ""]
    if "task" in options.part:
        plan = QUICK_PLAN if options.quick else PLAN
        yield from _task(sizes, Lectures(plan), clock)
    if "training" in options.part:
        yield "Training: readings a second in thousands, forwards and backwards, 32 series side by side:"
        yield from ["", *scan_table(FEATURES, sizes, QUICK_LENGTHS if options.quick else LENGTHS, clock), ""]
    if "steps" in options.part:
        yield from _steps(clock, options)


def _task(sizes: dict[str, int], lectures: Lectures, clock: Clock) -> Iterator[str]:
    plan = lectures.plan
    readings = plan.batches * plan.streams * plan.length
    yield f"The combiner at equal parameters, taught {readings:,} readings of synthetic streams, mean of {plan.seeds}"
    yield "seeds (least to most). CRPS over that of the last value, of the median stream of those held out:"
    rows = [experts_row(lectures)]
    for name, hidden in sizes.items():
        rows.append(task_row(name, hidden, lectures, clock))
        print(" · ".join(rows[-1]), file=sys.stderr, flush=True)
    yield from ["", *results_page.table(HEADER, rows), ""]


def _steps(clock: Clock, options: argparse.Namespace) -> Iterator[str]:
    peak = Peak.of(clock)
    where = "one core" if clock.device.type == "cpu" else "the GPU, all kernels of a step in one launch"
    yield f"Millions of steps a second on {where}, and the share of what its products, {peak.flops / 1e9:,.0f} GFLOP/s,"
    yield f"{'' if clock.device.type == 'cpu' else f'and its copies, {peak.bytes / 1e9:,.0f} GB/s, '}would allow:"
    yield from ["", *step_table(QUICK_BATCHES if options.quick else BATCHES[options.device], clock, peak), ""]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, little of everything")
    parser.add_argument("--device", choices=PARTS, default="cpu")
    parser.add_argument("--part", choices=PARTS["cpu"], action="append", help="one or more; without it, all")
    parser.add_argument("--cell", choices=sorted(CELLS), action="append", help="one or more; without it, all")
    options = results_page.parsed(parser, "cells-{device}")
    parts = PARTS[options.device]
    options.part = [part for part in parts if part in (options.part or parts)]
    if not options.part:
        parser.error(f"--part: expected one of {', '.join(parts)} with --device {options.device}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: expected a CUDA device, got none")
    return options


if __name__ == "__main__":
    sys.exit(main())
