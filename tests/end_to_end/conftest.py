"""The daemons of the end-to-end tests, from their start on real readings to their end, under names that are fresh."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import MakeTopic, StartPrometheus
from tests.end_to_end.independent import Row, TopicReader, committed, ends, reading, write
from tests.end_to_end.process import DaemonProcess, adapted, run
from tests.prometheus.server import Prometheus, shipped_config

CELLS = ("gru", "lstm")
KEYS = ("room", "hall")
NOT_JSON, TOO_LARGE = b"{light: 426}", b" " * 1_048_577
REASONS = {"malformed", "too_large"}


@dataclass(frozen=True)
class Source:
    """What was published before any daemon ran."""

    topic: str
    readings: int
    next_offsets: dict[int, int]


class Started(NamedTuple):
    """A daemon, and what it was told."""

    daemon: DaemonProcess
    config: Path
    changes: dict[str, Any]
    late_topic: str  # of its group too, and of no other daemon's


@dataclass(frozen=True)
class Life:
    """A daemon that has read everything, and those who watch it."""

    daemon: DaemonProcess
    config: Path
    changes: dict[str, Any]
    late_topic: str  # of its group too, and of no other daemon's
    prometheus: Prometheus
    results: TopicReader
    alarms: TopicReader
    dead_letters: TopicReader


@dataclass(frozen=True)
class Second:
    """How the daemon left, and what the next one of its group did with one more reading."""

    exit_code: int
    log: str
    committed: dict[int, int | None]
    results_before: int
    results_after: list[dict[str, Any]]


@pytest.fixture(scope="session")
def occupancy() -> Path:
    """Real readings of a room that ship with river: the file that README and compose publish."""
    river = find_spec("river")
    assert river is not None
    assert river.submodule_search_locations is not None
    return Path(river.submodule_search_locations[0]) / "drift" / "datasets" / "occupancy.csv"


@pytest.fixture(scope="session")
def fresh_names(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, Any]]:
    """``fresh_names()`` are changes to a configuration, as `adapted` takes them, that make all its outputs new."""

    def names() -> dict[str, Any]:
        token = uuid.uuid4().hex[:8]
        return {
            "kafka.group_id": f"e2e-{token}",
            "outputs.results.topic": f"results-{token}",
            "outputs.alarms.topic": f"alarms-{token}",
            "outputs.dead_letters.topic": f"dead-letters-{token}",
            "checkpoints": {"directory": str(tmp_path_factory.mktemp("checkpoints"))},
            "http.port": 0,
        }

    return names


@pytest.fixture(scope="module")
def source(kafka: str, make_topic: MakeTopic, occupancy: Path) -> Source:
    """The same real readings under two keys, put there by `streamer publish`."""
    topic = make_topic(partitions=4, prefix="sensors")
    for key in KEYS:
        published = run(
            *("publish", "--data", occupancy, "--topic", topic, "--key", key), KAFKA_BOOTSTRAP_SERVERS=kafka
        )
        assert published.returncode == 0, published.stderr
    assert published.stdout == f"509 records on {topic}\n"
    return Source(topic, 509 * len(KEYS), ends(kafka, topic))


@pytest.fixture(scope="module")
def started(
    kafka: str,
    source: Source,
    make_topic: MakeTopic,
    fresh_names: Callable[[], dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Started]]:
    """`streamer run` on config/sensors.yaml for each cell, nothing changed but names, ports and the cell."""
    with ExitStack() as running:
        daemons = {}
        for cell in CELLS:
            late_topic = make_topic(configs={"max.message.bytes": "4000000"}, prefix="late")
            changes = fresh_names() | {"groups.0.topics": [source.topic, late_topic], "groups.0.cell": cell}
            folder = tmp_path_factory.mktemp(cell)
            config = adapted("sensors.yaml", folder, changes)
            daemon = running.enter_context(DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka))
            daemons[cell] = Started(daemon, config, changes, late_topic)
        yield daemons


@pytest.fixture(scope="module", params=CELLS)
def life(
    request: pytest.FixtureRequest,
    kafka: str,
    source: Source,
    started: dict[str, Started],
    start_prometheus: StartPrometheus,
) -> Iterator[Life]:
    """A daemon once it has read everything, two bad records at the end of it."""
    daemon, config, changes, late_topic = started[request.param]
    with ExitStack() as readers:
        prometheus = start_prometheus(shipped_config(daemon.address))
        prometheus.wait_for(f"sum(streamer_readings_read_total) == {source.readings}", 60)
        write(kafka, late_topic, [Row(b"room", NOT_JSON), Row(b"room", TOO_LARGE)])
        prometheus.wait_for(f"sum(streamer_readings_read_total) == {source.readings + len(REASONS)}", 60)
        results, alarms, dead_letters = (
            readers.enter_context(reading(kafka, changes[f"outputs.{name}.topic"]))
            for name in ("results", "alarms", "dead_letters")
        )
        for reader in (results, alarms, dead_letters):
            reader.read_to_end()
        yield Life(daemon, config, changes, late_topic, prometheus, results, alarms, dead_letters)


@pytest.fixture(scope="module")
def second(life: Life, source: Source, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Second:
    """SIGTERM; then the same command again, and one more reading to see where it goes on."""
    exit_code = life.daemon.leave()
    next_offsets = committed(kafka, life.changes["kafka.group_id"], source.topic)
    before = len(life.results.read_to_end())
    folder = tmp_path_factory.mktemp("again")
    with DaemonProcess(life.config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as again:
        again.wait_until_ready()
        write(kafka, life.late_topic, [Row(b"room", b'{"time": "2015-02-11", "V1": 20}')])
        after = life.results.wait_for(before + 1)
        assert again.leave() == 0
    return Second(exit_code, life.daemon.log, next_offsets, before, after[before:] + life.results.values[len(after) :])
