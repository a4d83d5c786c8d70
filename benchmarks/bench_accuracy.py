"""How well are labelled events found? Real files, once through, by the code that runs live, with no label used.

python benchmarks/bench_accuracy.py --data FOLDER --markdown    measures everything and writes the section of RESULTS.md
python benchmarks/bench_accuracy.py --data FOLDER --only nab --half A    one set, the half on which settings are fixed
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import results_page
import torch
from accuracy.contenders import STREAMER, Scores, ablations, baselines, detectors, entrants
from accuracy.data import SETS, File, read
from accuracy.table import alarm_table, measured, nab_table, other_measures, vus_table

PARTS = ("baselines", "contenders", "detectors", "ablation")
ABLATED = ("nab", "asd")  # the sets of the rows without a mechanism: each costs as much as the detector itself


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    results_page.tell(
        chain([f"{results_page.machine()}; {options.tier} tier, cell {options.cell}.", ""], _report(options)),
        options.markdown,
    )
    return 0


def _report(options: argparse.Namespace) -> Iterator[str]:
    """The section, table by table."""
    files = {source: _files(options, source) for source in options.only}
    files = {source: own for source, own in files.items() if own}
    rows = {source: _rows(options, source, own) for source, own in files.items()}
    measures = measured(rows, files)
    yield "Mean VUS-PR under protocol A, half A / half B / all files:"
    yield ""
    yield from vus_table(measures)
    if "nab" in files:
        yield from ["", "NAB's score in strict streaming at the threshold of half A (A / B / all), and at its own:", ""]
        yield from nab_table(rows["nab"], files["nab"])
    yield from ["", "Alarms at the default budget; delay is the median in readings:", ""]
    yield from alarm_table(rows, files)
    yield from other_measures(measures)
    yield ""


def _rows(options: argparse.Namespace, source: str, files: Sequence[File]) -> list[Scores]:
    """Every row of one set."""
    entered = [
        *(entrants(options.tier) if "contenders" in options.part else ()),
        *(detectors() if "detectors" in options.part else ()),
        *(ablations(options.tier) if "ablation" in options.part and source in ABLATED else ()),
    ]
    entered = [replace(entrant, cell=options.cell) for entrant in entered]
    if options.entrant:
        entered = [entrant for entrant in entered if entrant.name in options.entrant]
    rows = baselines(files) if "baselines" in options.part else []
    for entrant in entered:
        print(f"{entrant.name} on {len(files)} files of {source} …", file=sys.stderr, flush=True)
        rows += entrant.scores(files)
    return rows


def _files(options: argparse.Namespace, source: str) -> list[File]:
    files = [file for file in read(options.data, source) if options.half in (None, file.half)]
    return [file.head(options.readings) for file in files] if options.readings else files


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    results_page.add_data(parser)
    parser.add_argument("--only", choices=SETS, action="append", help="one set or more; without it, all")
    parser.add_argument("--half", choices=("A", "B"), help="of the files; without it, both")
    parser.add_argument("--part", choices=PARTS, action="append", help="one or more; without it, all")
    parser.add_argument(
        "--entrant", action="append", help=f"one or more detectors by name, such as {STREAMER!r}; without it, all"
    )
    parser.add_argument("--tier", choices=("compact", "rich"), default="compact", help="of the detector")
    parser.add_argument("--cell", choices=("gru", "lstm"), default="gru", help="of the network")
    parser.add_argument("--readings", type=int, help="of what is scored of a file, at most")
    options = results_page.parsed(parser, "accuracy")
    options.part = options.part or PARTS
    options.only = options.only or list(SETS)
    return options


if __name__ == "__main__":
    sys.exit(main())
