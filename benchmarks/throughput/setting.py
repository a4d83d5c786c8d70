"""The configuration under which the daemon is measured: the defaults, one group, on the CPU."""

import socket
import urllib.request
from typing import Any

from streamer import config as configuration
from streamer.config import Config
from throughput.workload import GROUP, SOURCE

HOST = "127.0.0.1"
NO_FILE = {"type": "replay", "files": [{"path": "in memory", "topic": SOURCE.topic}]}  # no brokers: fed by hand


def setting(cell: str, channels: int = 1, **tables: Any) -> dict[str, Any]:
    """A configuration as the file would hold it; ``tables`` are added to it or take the place of a default."""
    group = {
        "name": GROUP,
        "topics": [SOURCE.topic],
        "format": {"type": "json", "timestamp_field": "t", "timestamp_unit": "milliseconds"},
        "channels": ["value", *(f"value_{number}" for number in range(2, channels + 1))],
        "cell": cell,
    }
    http = {"host": HOST, "port": _free_port()}
    return {"groups": [group], "sink": {"type": "discard"}, "http": http, "device": "cpu"} | tables


def parsed(raw: dict[str, Any]) -> Config:
    """The configuration that the daemon takes.

    Raises:
        ConfigError: it does not fit.
    """
    return configuration.parse(raw, "benchmark")


def scrape(config: Config) -> int:
    """Read the metrics page once, as Prometheus would, and return its size in bytes."""
    with urllib.request.urlopen(f"http://{HOST}:{config.http.port}/metrics", timeout=30.0) as page:
        return len(page.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
