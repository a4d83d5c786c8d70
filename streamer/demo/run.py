"""Runs the demo: writes its data, wires the ordinary daemon over it, and tells what came of it."""

import tempfile
import threading
import time
from importlib import resources
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console

from connectors.errors import ConfigError
from connectors.row_files import ReplayFile
from streamer import config as configuration
from streamer.config import Config, DiscardSink, ReplaySource
from streamer.demo.data import OFFERED, write, write_set
from streamer.demo.live import LiveSource
from streamer.demo.summary import Summary
from streamer.demo.synthetic import SERIES, Fleet
from streamer.wiring import assemble, in_memory, make_groups, make_metrics

ONCE_START_NS = 1_767_225_600_000_000_000  # 2026-01-01: a run with --once says the same every time
TICKS = 900  # of the synthetic fleet before it goes on live: a quarter of an hour
SYNTHETIC = "synthetic"


class Demo:
    """The ordinary daemon, engine and exporter included; only its source and its sink are the demo's."""

    def __init__(self, cell: str, port: int, config: Path | None = None) -> None:
        """``config``: judge by its groups, on what the demo has for their topics; None: by the demo's own."""
        self._variables = {"CELL": cell, "PORT": str(port)}
        self._port = port
        self._path = config
        self._console = Console()

    def run(self, stop: threading.Event, once: bool) -> None:
        """Replay everything; then print the table and end, or go on until ``stop``, live where there is a fleet.

        Raises:
            ConfigError: there is no such cell, the port is taken, or the configuration has no topic of the demo.
        """
        start_ns = ONCE_START_NS if once else (int(time.time()) - TICKS) * 1_000_000_000
        fleet = None if self._path else Fleet(start_ns)
        with tempfile.TemporaryDirectory(prefix="streamer-demo-") as folder:
            config, files = self._own(Path(folder), fleet) if fleet else self._given(Path(folder))
            metrics = make_metrics(config)
            groups = make_groups(config, metrics, time.monotonic)
            summary = Summary()
            source = LiveSource(files, fleet, TICKS)
            with assemble(config, in_memory(source, summary), groups, metrics) as daemon:
                daemon.turn_until(lambda: stop.is_set() or source.has_replayed)
                self._console.print(summary.table(folded=SYNTHETIC))
                if fleet:
                    self._tell(summary, fleet)
                if not once:
                    daemon.turn_until(stop.is_set)

    def _own(self, folder: Path, fleet: Fleet) -> tuple[Config, list[ReplayFile]]:
        """The demo's own configuration, its data written."""
        write(folder, fleet, TICKS)
        with resources.as_file(resources.files("streamer.demo") / "demo.yaml") as path:
            config = configuration.load(path, {**self._variables, "DATA": str(folder)})
        if not isinstance(config.source, ReplaySource):
            raise TypeError("demo.yaml: Expected a replay source")
        return config, config.source.files

    def _given(self, folder: Path) -> tuple[Config, list[ReplayFile]]:
        """Another configuration with the demo's data of its topics in the place of its source, shown on loopback."""
        config = configuration.load(self._path or "")
        topics = [topic for topic in OFFERED if any(group.holds(topic) for group in config.groups)]
        if not topics:
            raise ConfigError(f"{self._path}: Expected a group with one of the topics {sorted(OFFERED)}, got none")
        files = [ReplayFile(path=str(write_set(folder, topic)), topic=topic) for topic in topics]
        http = replace(config.http, host="127.0.0.1", port=self._port, token=None)
        sources = {"source": ReplaySource(files=files), "sink": DiscardSink(), "delivery": None}
        return replace(config, http=http, **sources), files

    def _tell(self, summary: Summary, fleet: Fleet) -> None:
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
