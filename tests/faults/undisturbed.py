"""What the readings of a fault test come to when nothing happens: the same daemon over files, in one life."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.end_to_end.independent import Row
from tests.end_to_end.process import RUN_SECONDS, adapted
from tests.faults.forked import ForkedDaemon

START_SECONDS = 1_767_600_000
SPIKE_RATIO = 2e-3  # of the readings: some of them open alarms
ABSENT_RATIO = 0.02  # of the values
BAD_RATIO = 1e-3  # of the records: they become dead letters
OUTPUTS = {"results": "results", "alarms": "alarms", "dead_letters": "dead-letters"}  # in config/sensors.yaml
READING: dict[str, Any] = {
    "groups.0.format.timestamp_field": "time",
    "groups.0.format.timestamp_unit": "seconds",
    "groups.0.channels": [{"name": "level", "field": "a"}, {"name": "flow", "field": "b"}],
}
"""Changes to config/sensors.yaml, for the records of `rows`."""

Key = tuple[int, int, int, str]  # partition, offset, index; which event of which kind of alarm
Outputs = dict[str, list[tuple[Key, str]]]  # of `OUTPUTS`, in their order: whose it is, everything that was said of it


def rows(readings: int, series: int, partitions: int, seed: int) -> list[Row]:
    """Random walks of many series, all a step further before one goes two, in another order each time.

    Some records hold no reading.
    """
    random = np.random.default_rng(seed)
    steps = -(-readings // series)
    walks = np.cumsum(random.normal(size=(steps, series, 2)), axis=0) + 100
    walks += np.where(random.random(walks.shape) < SPIKE_RATIO, 40.0, 0.0)
    walks[random.random(walks.shape) < ABSENT_RATIO] = np.nan
    made = []
    for step in range(steps):
        second = START_SECONDS + 10 * step
        for number in random.permutation(series).tolist():
            level, flow = (None if np.isnan(value) else float(value) for value in walks[step, number])
            reading = {"series": f"s{number}", "time": second, "a": level, "b": flow}
            if random.random() < BAD_RATIO:
                reading["b"] = "a lot"
            made.append(Row(f"s{number}".encode(), json.dumps(reading).encode(), number % partitions, second * 1000))
    return made[:readings]


def undisturbed(published: Iterable[Row], folder: Path, changes: Mapping[str, Any]) -> Outputs:
    """The outputs of these records, each partition a file: its offsets are those it has on a fresh topic."""
    lines: dict[int, list[bytes]] = {}
    for row in published:
        assert row.partition is not None
        assert row.value is not None
        lines.setdefault(row.partition, []).append(row.value)
    files = []
    for partition, values in lines.items():
        path = folder / f"{partition}.jsonl"
        path.write_bytes(b"\n".join(values) + b"\n")
        files.append({"path": str(path), "topic": str(partition), "key_field": "series"})
    replay = {
        "source": {"type": "replay", "files": files},
        "sink": {"type": "files", "directory": str(folder)},
        "groups.0.topics": [str(partition) for partition in lines],
        "http.port": 0,
    }
    with ForkedDaemon(adapted("sensors.yaml", folder, dict(changes) | READING | replay), folder) as replaying:
        assert replaying.process.wait(RUN_SECONDS) == 0, replaying.log
    return {
        output: [keyed(line, is_replayed=True) for line in (folder / f"{topic}.jsonl").read_bytes().splitlines()]
        for output, topic in OUTPUTS.items()
    }


def keyed(value: bytes, *, is_replayed: bool = False) -> tuple[Key, str]:
    """Whose output this is, and what else it says of it: equal texts are equal numbers, to the last bit."""
    said = json.loads(value)
    said.pop("timestamp_ms", None)  # of the record in a dead letter: rows of files have none
    said.pop("alarm_id", None)  # is made of topic and partition too
    topic, partition = said.pop("topic"), said.pop("partition")
    place = (int(topic) if is_replayed else partition, said.pop("offset"), said.pop("index", 0))
    event = " ".join(said[part] for part in ("event", "kind") if part in said)
    return (*place, event), json.dumps(said, sort_keys=True)
