"""How well is a series forecast that nobody has seen? Real series, once through, from the shipped weights.

python benchmarks/bench_forecast.py --data FOLDER --markdown    measures everything and writes the section of RESULTS.md
python benchmarks/bench_forecast.py --data FOLDER --quick --artifact FILE    a tenth of the series, for a candidate
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import results_page
import torch
from forecast import skill, sources
from forecast.entrants import entrants

from models.artifact import SHIPPED

SEED = 1
QUICK_READINGS, READINGS = 2048, 8192  # of a series, at most


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    load = results_page.load()
    torch.set_num_threads(1)
    entered = entrants(options.artifact or sorted(SHIPPED.glob("*.safetensors")))
    series = sources.real_series(options.data)
    series = sources.a_tenth(series, np.random.default_rng(SEED)) if options.quick else series
    tally = skill.compared([one.head(options.readings) for one in series], entered, variants=not options.quick)
    lines = [
        f"{results_page.machine()}.",
        "",
        f"{skill.counts(tally)}, at most the first {options.readings:,} of a series.",
        *skill.crps_tables(tally, entered),
        *([] if options.quick else skill.mase_tables(tally, entered)),
        "",
        *skill.promise_table(tally, entered),
        "",
        *skill.worth_table(tally, entered),
        "",
    ]
    text = "\n".join(lines) + load
    print(text)
    if options.markdown is not None:
        options.markdown.put(text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = os.environ.get("STREAMER_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=folder,
        required=folder is None,
        help="the archives; or the environment's STREAMER_DATA",
    )
    parser.add_argument("--artifact", type=Path, action="append", help="one or more; without it, those of the package")
    parser.add_argument("--quick", action="store_true", help="a tenth of the series, and fewer readings")
    parser.add_argument("--readings", type=int, help="of a series, at most")
    results_page.add_option(parser)
    options = parser.parse_args()
    options.readings = options.readings or (QUICK_READINGS if options.quick else READINGS)
    if options.markdown is not None:
        try:
            options.markdown = results_page.Section.of(options.markdown, "forecast")
        except (OSError, ValueError) as error:
            parser.error(str(error))
    return options


if __name__ == "__main__":
    sys.exit(main())
