"""Measures how gradients travel through time, and writes docs/gradients.md and its pictures: ``make gradients``."""

import argparse
import time
from collections.abc import Iterable, Iterator

import torch

from docs.gradients import lags
from docs.gradients.page import (
    DEFAULT_LAG,
    DEFAULT_STEPS,
    PAGE,
    PARTS,
    PICTURES,
    Measured,
    Results,
    load,
    machine,
    pictures,
    rounded,
    save,
    sections,
    with_sections,
)


def keep_lags(results: Results, measured: Iterable[lags.Attempt]) -> None:
    """Keep every row as it comes, beside those of other lags that were run before."""
    for row in measured:
        (made,) = rounded([row])
        place = (row.task, row.lag, row.cell)
        kept = results["lags"].rows if "lags" in results else []
        others = [old for old in kept if (old["task"], old["lag"], old["cell"]) != place]
        results["lags"] = Measured(machine(), [*others, made])
        save(results)
        print(f"{row.task} at {row.lag:,}: {row.cell}: steps {row.steps}, loss {row.loss}", flush=True)


def asked(arguments: argparse.Namespace, seeds: range) -> Iterator[lags.Attempt]:
    """Run the tasks as the command line says."""
    contenders = [of for of in lags.CONTENDERS if of.name in (arguments.cells or [of.name])]
    for lag in arguments.lags:
        yield from lags.measure(lag, arguments.steps, contenders, seeds)


def write(results: Results) -> None:
    """Write the page and its pictures from what was measured."""
    PAGE.write_text(with_sections(PAGE.read_text(encoding="utf-8"), sections(results)), encoding="utf-8")
    for name, picture in pictures(results).items():
        (PICTURES / name).write_text(picture, encoding="utf-8")
    print(f"written: {PAGE}")


def main() -> None:
    """Measure all parts, or those that are asked for."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m docs.gradients", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}; without any, all of them")
    parser.add_argument(
        "--lags", nargs="*", type=int, default=[DEFAULT_LAG], metavar="LAG", help="of the adding and the copy task"
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=DEFAULT_STEPS,
        help="of the optimiser at each lag, at most",
    )
    cells = [contender.name for contender in lags.CONTENDERS]
    parser.add_argument("--cells", nargs="*", choices=cells, help="to run them with; without any, all of them")
    parser.add_argument("--write", action="store_true", help="measure nothing, only write the page")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = load()
    for part in PARTS:
        if part.name in (arguments.parts or names) and not arguments.write:
            start = time.process_time()
            if part.name == "lags":
                keep_lags(results, asked(arguments, part.seeds))
            else:
                results[part.name] = Measured(machine(), rounded(part.measure(part.seeds)))
                save(results)
            print(f"{part.name}: {time.process_time() - start:.0f} seconds of the processor", flush=True)
    write(results)


if __name__ == "__main__":
    main()
