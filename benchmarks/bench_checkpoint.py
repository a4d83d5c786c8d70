"""What does a checkpoint cost the engine? The pause for the copy, and scoring while the copy is written.

python benchmarks/bench_checkpoint.py --markdown    measures everything and writes the section of RESULTS.md
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from statistics import median

import results_page
from saving.measure import BATCH_READINGS, Measurement, Save, measured

FLEETS = [  # (series, cell, channels)
    *((series, cell, 1) for series in (10_000, 100_000, 1_000_000) for cell in ("gru", "lstm")),
    *((100_000, cell, 3) for cell in ("gru", "lstm")),
]


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    load = results_page.load()
    measurements = []
    for series, cell, channels in FLEETS:
        if series <= options.most:
            measurements.append(measured(series, cell, channels, options.repetitions, options.warm_up))
            print(" · ".join(_pauses(measurements[-1])), file=sys.stderr, flush=True)
    text = _section(measurements) + load
    print(text)
    if options.markdown is not None:
        options.markdown.put(text)
    return 0


def _section(measurements: Sequence[Measurement]) -> str:
    pauses = ["series", "MB copied", "first pause", "first copy", "pause", "longest", "copy", "pause / copy"]
    beside = ["series", "MB in the file", "write s", "read s", "restore s", "idle", "writing", "slower by"]
    beside += ["longest batch idle", "writing"]
    return "\n".join(
        [
            f"{results_page.machine()}.",
            "",
            "How long the engine waits, in ms, beside a plain copy of as many bytes. The first of each goes into new",
            f"memory; the others are medians of {len(measurements[0].saves)}. The ratio is one of CPU seconds of the",
            "engine's thread, which other processes do not stretch:",
            "",
            *results_page.table(pauses, [_pauses(measurement) for measurement in measurements]),
            "",
            "Written beside the engine, and read back. Scoring in readings per second, before and while it is",
            f"written, in batches of {BATCH_READINGS:,}; the longest batch in ms:",
            "",
            *results_page.table(beside, [_beside(measurement) for measurement in measurements]),
            "",
        ]
    )


def _pauses(measurement: Measurement) -> list[str]:
    first, saves = measurement.first, measurement.saves
    return [
        measurement.label,
        f"{measurement.copied_bytes / 1e6:,.1f}",
        f"{first.pause.seconds * 1e3:.1f}",
        f"{first.copy.seconds * 1e3:.1f}",
        f"{_median(saves, lambda save: save.pause.seconds) * 1e3:.1f}",
        f"{max(save.pause.seconds for save in saves) * 1e3:.1f}",
        f"{_median(saves, lambda save: save.copy.seconds) * 1e3:.1f}",
        f"{_median(saves, lambda save: save.pause.cpu_seconds / save.copy.cpu_seconds):.2f}",
    ]


def _beside(measurement: Measurement) -> list[str]:
    saves, idle, busy = measurement.saves, measurement.idle, measurement.busy
    return [
        measurement.label,
        f"{measurement.file_bytes / 1e6:,.1f}",
        f"{_median(saves, lambda save: save.write_seconds):.3f}",
        f"{_median(saves, lambda save: save.read_seconds):.3f}",
        f"{_median(saves, lambda save: save.restore_seconds):.3f}",
        f"{median(pace.rate for pace in idle):,.0f}",
        f"{median(pace.rate for pace in busy):,.0f}",
        f"{measurement.slowdown:.2f}",
        *(f"{max(pace.longest_seconds for pace in paces) * 1e3:.1f}" for paces in (idle, busy)),
    ]


def _median(saves: Sequence[Save], of: Callable[[Save], float]) -> float:
    return median(map(of, saves))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000, help="leave out fleets of more series")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--warm-up", type=int, default=1_000, help="batches before; steps that keep coming are machine code by then"
    )
    options = results_page.parsed(parser, "checkpoint")
    if options.repetitions < 1 or options.most < min(series for series, _, _ in FLEETS):
        parser.error("expected --repetitions of at least 1 and --most of at least the smallest fleet")
    return options


if __name__ == "__main__":
    sys.exit(main())
