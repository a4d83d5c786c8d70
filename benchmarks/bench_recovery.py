"""How long until the first result after a kill? With the time of every part, from memory and on real Kafka.

python benchmarks/bench_recovery.py --markdown    measures everything and writes the section of RESULTS.md
"""

import argparse
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import results_page
from recovery.diary import Recovery
from recovery.estate import Estate
from recovery.heir import Errand
from throughput import over_kafka
from throughput.setting import NO_FILE, parsed, setting
from throughput.workload import SOURCE

PARTITIONS = (1, 12)
SILENT_READINGS = 300_000  # what the default interval of 30 s leaves at 10,000 readings a second
LIVE_READINGS = 200_000
_TIMEOUT_SECONDS = 900.0
_NEVER_SECONDS = 86_400.0  # no checkpoint takes the place of what was left
Row = tuple[str, Estate, list[Recovery]]


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    load = results_page.load()
    rows = []
    try:
        for row in _measured(options):
            print(" · ".join(_cells(row)), file=sys.stderr, flush=True)
            rows.append(row)
    except over_kafka.BrokerUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    text = _section(rows, options) + load
    print(text)
    if options.markdown is not None:
        options.markdown.put(text)
    return 0


def _measured(options: argparse.Namespace) -> Iterator[Row]:
    for series in options.series:
        yield _from_memory(_estate(options, series, SOURCE.topic, 1), options.repetitions)
    if options.without_kafka:
        return
    with over_kafka.broker() as address:
        for series in options.series:
            for partitions in PARTITIONS:
                topic = f"readings-{uuid.uuid4().hex[:8]}"
                yield _from_kafka(_estate(options, series, topic, partitions), address, options.repetitions)


def _estate(options: argparse.Namespace, series: int, topic: str, partitions: int) -> Estate:
    return Estate(
        series=series, cell=options.cell, silent=options.silent, live=LIVE_READINGS, topic=topic, partitions=partitions
    )


def _from_memory(estate: Estate, repetitions: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        estate.leave_in_memory(Path(folder))
        config = setting(estate.cell, source=NO_FILE, checkpoints={"interval_seconds": _NEVER_SECONDS})
        recoveries = [_inherited(estate, config, folder) for _ in range(repetitions)]
    return "memory", estate, recoveries


def _from_kafka(estate: Estate, address: str, repetitions: int) -> Row:
    recoveries = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        estate.leave_on_kafka(Path(folder), address)
        for _ in range(repetitions):
            raw = over_kafka.raw_config(address, estate.cell, "bulk", estate.topic)
            raw["checkpoints"] = {"directory": folder, "interval_seconds": _NEVER_SECONDS}
            estate.give_to(parsed(raw).brokers, Path(folder))
            recoveries.append(_inherited(estate, raw, None))
    return f"Kafka, {estate.partitions} partition{'s' if estate.partitions > 1 else ''}", estate, recoveries


def _inherited(estate: Estate, config: dict[str, Any], folder: str | None) -> Recovery:
    """Start the heir, and have its diary.

    Raises:
        CalledProcessError: it failed; why stands on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as errands:
        path = Path(errands) / "errand.json"
        errand = Errand(config=config, estate=estate, folder=folder, started=time.monotonic())
        path.write_bytes(msgspec.json.encode(errand))
        done = subprocess.run(
            [sys.executable, "-m", "recovery.heir", str(path)],
            cwd=over_kafka.BENCHMARKS, stdout=subprocess.PIPE, check=True, timeout=_TIMEOUT_SECONDS,
        )  # fmt: skip
    return msgspec.json.decode(done.stdout, type=Recovery)


def _section(rows: Sequence[Row], options: argparse.Namespace) -> str:
    header = ["fed by", "series", "imports", "join", "take over", "load", "silent", "all live", "first result"]
    header += ["silent readings/s", "live readings/s"]
    kafka = "" if options.without_kafka else f", {over_kafka.broker_version()}"
    return "\n".join(
        [
            f"{results_page.machine()}{kafka}; cell {options.cell}, 32 hidden units, one channel.",
            "",
            f"Seconds, medians of {options.repetitions}; {options.silent:,} readings are stepped again silently:",
            "",
            *results_page.table(header, [_cells(row) for row in rows]),
            "",
        ]
    )


def _cells(row: Row) -> list[str]:
    fed_by, estate, recoveries = row
    parts = [(r.imports, r.join, r.take_over, r.load, r.silent, r.total, r.first_result) for r in recoveries]
    silent_rates = [estate.silent / recovery.silent for recovery in recoveries]
    live_rates = [recovery.live_rate for recovery in recoveries]
    return [
        fed_by,
        f"{estate.series:,}",
        *(f"{median(part):.2f}" for part in zip(*parts, strict=True)),
        *(f"{median(rates):,.0f}" for rates in (silent_rates, live_rates)),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100_000, 1_000_000], help="how many; several in turn")
    parser.add_argument("--cell", choices=("gru", "lstm"), default="gru")
    parser.add_argument("--silent", type=int, default=SILENT_READINGS, help="readings between checkpoint and commit")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--without-kafka", action="store_true", help="measure in memory alone")
    options = results_page.parsed(parser, "recovery")
    if min(*options.series, options.silent, options.repetitions) < 1:
        parser.error("expected --series, --silent and --repetitions of at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
