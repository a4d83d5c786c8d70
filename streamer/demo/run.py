"""Runs the demo: writes its data, wires the ordinary daemon over it, and tells what came of it."""

import tempfile
import threading
import time
from importlib import resources
from pathlib import Path

from rich.console import Console

from streamer import config as configuration
from streamer.demo.data import write
from streamer.demo.live import LiveSource
from streamer.demo.summary import Summary
from streamer.demo.synthetic import SERIES, Fleet
from streamer.wiring import assemble, in_memory, make_groups, make_metrics

ONCE_START_NS = 1_767_225_600_000_000_000  # 2026-01-01: a run with --once says the same every time
TICKS = 900  # of the synthetic fleet before it goes on live: a quarter of an hour
SYNTHETIC = "synthetic"


class Demo:
    """The ordinary daemon, engine and exporter included; only its source and its sink are the demo's."""

    def __init__(self, cell: str, port: int) -> None:
        self._variables = {"CELL": cell, "PORT": str(port)}
        self._console = Console()

    def run(self, stop: threading.Event, once: bool) -> None:
        """Replay everything; then print the table and end, or go on live until ``stop``.

        Raises:
            ConfigError: there is no such cell, or the port is taken.
        """
        start_ns = ONCE_START_NS if once else (int(time.time()) - TICKS) * 1_000_000_000
        fleet = Fleet(start_ns)
        with tempfile.TemporaryDirectory(prefix="streamer-demo-") as folder:
            write(Path(folder), fleet, TICKS)
            with resources.as_file(resources.files("streamer.demo") / "demo.yaml") as path:
                config = configuration.load(path, {**self._variables, "DATA": folder})
            if not isinstance(config.source, configuration.ReplaySource):
                raise TypeError("demo.yaml: Expected a replay source")
            metrics = make_metrics(config)
            groups = make_groups(config, metrics, time.monotonic)
            summary = Summary()
            source = LiveSource(config.source.files, fleet, TICKS)
            with assemble(config, in_memory(source, summary), groups, metrics) as daemon:
                daemon.turn_until(lambda: stop.is_set() or source.has_replayed)
                self._tell(summary, fleet)
                if not once:
                    daemon.turn_until(stop.is_set)

    def _tell(self, summary: Summary, fleet: Fleet) -> None:
        self._console.print(summary.table(folded=SYNTHETIC))
        faults = fleet.faults(TICKS)
        alarms = {
            (series, (opened - fleet.start_ns) // 1_000_000_000)
            for (group, series), seen in summary.series.items()
            if group == SYNTHETIC
            for opened in seen.opened
        }
        found = sum((fault.series, fault.tick) in alarms for fault in faults)
        self._console.print(
            f"synthetic: {found} of {len(faults)} injected faults opened an alarm at their reading, "
            f"{len(alarms) - found} other alarms in {SERIES * TICKS:,} readings"
        )
