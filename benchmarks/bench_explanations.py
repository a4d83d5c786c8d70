"""Do explanations name the channel that is at fault? hit@1 by kind and size of fault, through the live detector.

python benchmarks/bench_explanations.py --markdown    tries every fault and writes the section of RESULTS.md
python benchmarks/bench_explanations.py --quick       shows in a minute that it runs; the figures mean nothing
"""

import argparse
import sys
from collections.abc import Iterator

import results_page
import torch
from explanations.faults import FAULTS
from explanations.machines import CHANNELS, Machines
from explanations.trial import Findings, Trial

from models.artifact import load, shipped

HEADER = ("fault", "size", "alarmed", "hit@1", "hit@1 of those alarmed")
LONGEST = max(fault.readings for fault in FAULTS)


def main() -> int:
    """Try, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    lines = list(_report(options))
    print("\n".join(lines))
    if options.markdown is not None:
        options.markdown.put("\n".join(lines) + "\n")
    return 0


def _report(options: argparse.Namespace) -> Iterator[str]:
    machines, sound = (32, 40) if options.quick else (options.machines, options.sound)
    trial = Trial(load(shipped(options.artifact)), Machines.drawn(sound + LONGEST, machines, options.seed), sound)
    yield f"{machines} synthetic machines of {CHANNELS} channels: a common load, a day of 96 readings, noise of"
    yield "their own, each in its unit; the best forecast is off by a quarter of a standard deviation of the channel."
    yield f"{sound} sound readings, then a fault in one channel, drawn at chance: hit@1 is"
    yield f"{1 / CHANNELS:g} for who guesses. Named is the channel of the first alarm while the fault lasts; where none"
    yield "opens, that of the reading with the largest score. Budget: one alarm in 10,000 readings;"
    yield f"seed {options.seed}; artifact `{options.artifact}`."
    yield ""
    yield from results_page.table(HEADER, [_row(one) for one in trial.findings(FAULTS, options.seed)])


def _row(one: Findings) -> tuple[str, ...]:
    hits = one.is_hit.double()
    of_alarmed = f"{hits[one.alarmed].mean():.2f}" if one.alarmed.any() else "-"
    return one.fault.kind, one.fault.size, f"{one.alarmed.double().mean():.0%}", f"{hits.mean():.2f}", of_alarmed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few machines, few readings")
    parser.add_argument("--machines", type=int, default=128, help="a multiple of 32")
    parser.add_argument("--sound", type=int, default=1200, help="readings before the faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--artifact", default="gru")
    return results_page.parsed(parser, "explanations")


if __name__ == "__main__":
    with torch.inference_mode():
        sys.exit(main())
