"""Is the budget kept, whatever is wrong with the forecasts? Synthetic residuals through the calibration that runs live.

python benchmarks/bench_calibration.py --markdown    measures everything and writes the section of RESULTS.md
python benchmarks/bench_calibration.py --quick       shows in a minute that it runs; the figures mean little
"""

import argparse
import sys
from collections.abc import Iterator

import results_page
import torch
from calibration.fleet import Fleet, Size
from calibration.residuals import SCENARIOS
from calibration.trials import FAULTS, WITHIN, after_incident, calls, found, settled, spiked

from models.alarm import KINDS
from models.calibration.budget import Budget

BUDGET = Budget(readings_per_alarm=10_000.0)
HOURLY = 256  # readings an epoch, where they come so seldom
FLEETS = {  # name: sizes; one series alone is tried a hundred times over, each with a pool of its own
    "1 series, 1 partition": Size(1, 128, HOURLY, burn_in_epochs=24),
    "1,024 series, 1 partition": Size(1024, 1),
    "1,536 series, 12 partitions": Size(128, 12),
    "98,304 series, 12 partitions": Size(8192, 12),
}
TRIED = "1,024 series, 1 partition"  # the fleet that faults are put on


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    load = results_page.load()
    torch.set_num_threads(1)
    lines = []
    for line in _report(options.quick, options.fleet or [*FLEETS]):
        lines.append(line)
        print(line, flush=True)
    if options.markdown is not None:
        options.markdown.put("\n".join(lines) + "\n" + load)
    return 0


def _report(is_quick: bool, names: list[str]) -> Iterator[str]:
    """The section, part by part, as it is measured."""
    expected = 2.0 if is_quick else 100.0
    scenarios = SCENARIOS[:1] if is_quick else SCENARIOS
    fleets = {name: FLEETS[name] for name in ([TRIED] if is_quick else names)}
    yield f"The budget is one alarm in {BUDGET.readings_per_alarm:,.0f} readings, half of it for each kind. Every cell"
    yield f"goes on until {expected:.0f} alarms are expected, after a burn-in. Alarms in"
    yield "10,000 readings where nothing is the matter, all and by kind, and those in the burn-in:"
    rows, kept = [], {}
    for seed, scenario in enumerate(scenarios):
        for name, size in fleets.items():
            fleet, early = settled(scenario, size, BUDGET, seed)
            rows.append(_calls_row(scenario, name, fleet, early, expected))
            print(" · ".join(rows[-1]), file=sys.stderr, flush=True)
            if name == TRIED:
                kept[scenario] = fleet
    header: tuple[str, ...] = ("residuals", "fleet", "all", *KINDS, "burn-in", "of readings a partition")
    yield from ["", *results_page.table(header, rows), ""]
    if not kept:
        return
    yield f"Faults of a hundredth of the series, ten times over ({TRIED}): the share that is found within"
    yield f"{WITHIN} readings, and the median delay in readings; of a spike of 15 standard deviations, the share:"
    header = ("residuals", *FAULTS, "spike")
    yield from ["", *results_page.table(header, [_faults_row(*pair) for pair in kept.items()]), ""]
    yield "A fifth of the series is broken for an hour, with a reading a minute: the lines in decades, and the share of"
    yield f"shifts of +1.5 sd that is found within {WITHIN} readings:"
    told = after_incident(kept["exact"])
    incident = [(when, f"{spike:.2f}", f"{change:.2f}", f"{share:.2f}") for when, spike, change, share in told]
    yield from ["", *results_page.table(("", "line of spikes", "line of changes", "found"), incident), ""]


def _calls_row(scenario: str, name: str, fleet: Fleet, early: float, expected: float) -> tuple[str, ...]:
    called = calls(fleet, expected)
    by_kind = [f"{10_000 * opened / called.readings:.2f}" for opened in called.opened]
    return (
        scenario,
        name,
        f"{10_000 * called.rate:.2f}",
        *by_kind,
        f"{10_000 * early:.2f}",
        f"{fleet.size.burn_in:,}",
    )


def _faults_row(scenario: str, fleet: Fleet) -> tuple[str, ...]:
    cells = [found(fleet, fault) for fault in FAULTS.values()]
    return scenario, *(f"{share:.2f} ({delay:.0f})" for share, delay in cells), f"{spiked(fleet, 15.0):.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one kind of residuals, one fleet, few alarms")
    parser.add_argument("--fleet", choices=FLEETS, action="append", help="one or more; without it, all")
    return results_page.parsed(parser, "calibration")


if __name__ == "__main__":
    sys.exit(main())
