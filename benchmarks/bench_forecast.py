"""How well is a series forecast that nobody has seen? Real series, once through, from the shipped weights.

python benchmarks/bench_forecast.py --data FOLDER --markdown    measures everything and writes the section of RESULTS.md
python benchmarks/bench_forecast.py --data FOLDER --quick --artifact FILE    a tenth of the series, for a candidate
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import results_page
import torch
from forecast import skill, sources
from forecast.batch import Batch, Series
from forecast.directions import direction_table
from forecast.entrants import Entrant, entrants
from forecast.field import score_all
from forecast.scores import Tally
from forecast.seasons import CADENCES, season_table
from forecast.served import served_table
from forecast.thinning import thinning_table
from forecast.weather import weather_tables

from models.artifact import SHIPPED

SEED = 1
QUICK_READINGS, READINGS = 2048, 4096  # of a series, at most
PARTS = ("skill", "bands", "thinning", "seasons", "weather", "directions")


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    entered = entrants(options.artifact or sorted(SHIPPED.glob("*.safetensors")))
    results_page.tell(chain([f"{results_page.machine()}.", ""], _report(options, entered)), options.markdown)
    return 0


def _report(options: argparse.Namespace, entered: Sequence[Entrant]) -> Iterator[str]:
    """The section, part by part, as it is measured."""
    series = sources.real_series(options.data)
    if options.quick:
        yield from _skill(sources.a_tenth(series, np.random.default_rng(SEED)), entered, options)
        return
    if "skill" in options.part:
        yield from _skill(series, entered, options)
    if "bands" in options.part:
        yield from ["", "How often the 90 % bands hold that the daemon serves:", ""]
        yield from served_table(_heads(series, options), skill.HORIZONS, entered)
    if "thinning" in options.part:
        yield from ["", "Thinned tenfold, how often the 90 % band holds the next reading:", ""]
        yield from thinning_table(series, entered, SEED)
    if "seasons" in options.part:
        yield from [
            "",
            "A synthetic day under noise, two hours ahead, after three days: CRPS over the last value's:",
            "",
        ]
        yield from season_table(options.cadence, [entrant for entrant in entered if entrant.tier], SEED)
    if "weather" in options.part:
        yield from ["", "Hourly temperatures, degrees Fahrenheit:", *weather_tables(entered)]
    if "directions" in options.part:
        yield from ["", "Whether the next day rises: accuracy / Matthews' correlation, after 64 readings:", ""]
        yield from direction_table(entered)
    yield ""


def _skill(series: Sequence[Series], entered: Sequence[Entrant], options: argparse.Namespace) -> Iterator[str]:
    tally = Tally(_heads(series, options), skill.HORIZONS)
    score_all(tally, entered, variants=not options.quick)
    yield f"{skill.counts(tally)}, at most the first {options.readings:,} of a series."
    yield from skill.crps_tables(tally, entered)
    if not options.quick:
        yield from skill.mase_tables(tally, entered)
    yield from ["", "Series won and lost, and how often the 90 % band holds:", "", *skill.promise_table(tally, entered)]
    yield from ["", "What the network adds, and what its memory does: CRPS ratios, median / geometric mean:", ""]
    yield from skill.worth_table(tally, entered)


def _heads(series: Sequence[Series], options: argparse.Namespace) -> Batch:
    heads = [one.head(options.readings) for one in series]
    return Batch.of([head for head in heads if np.ptp(head.values) > 0])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    results_page.add_data(parser)
    parser.add_argument("--artifact", type=Path, action="append", help="one or more; without it, those of the package")
    parser.add_argument("--quick", action="store_true", help="a tenth of the series, fewer readings, skill alone")
    parser.add_argument("--readings", type=int, help="of a series, at most")
    parser.add_argument("--part", choices=PARTS, action="append", help="one or more; without it, all")
    parser.add_argument("--cadence", choices=CADENCES, action="append", help="of the seasons; without it, all")
    options = results_page.parsed(parser, "forecast")
    options.readings = options.readings or (QUICK_READINGS if options.quick else READINGS)
    options.part = options.part or PARTS
    options.cadence = options.cadence or CADENCES
    return options


if __name__ == "__main__":
    sys.exit(main())
