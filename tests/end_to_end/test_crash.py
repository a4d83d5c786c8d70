"""Delivery at least once: a daemon that is killed and started again leaves no reading without a result."""

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, committed, ends, reading, write
from tests.end_to_end.process import DaemonProcess, adapted

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
PARTITIONS = 2
READINGS = 12_000
SERIES = 200
KILLED_AFTER = (1, 3_000)  # results on the topic
Identity = tuple[int, int]  # partition, offset


@dataclass(frozen=True)
class Death:
    """What the world saw once the daemon was gone."""

    committed: dict[int, int | None]
    results: set[Identity]


@dataclass(frozen=True)
class Lives:
    """What came of the same daemon, killed twice and left in peace the third time."""

    published: set[Identity]
    deaths: list[Death]
    results: list[Identity]  # in the order of the topic, repeats among them
    committed: dict[int, int | None]
    ends: dict[int, int]
    logs: str


def rows() -> list[Row]:
    random = np.random.default_rng(0)
    return [
        Row(f"s{number % SERIES}".encode(), json.dumps({"time": 1_767_600_000 + number, "V1": value}).encode(), part)
        for number, (value, part) in enumerate(
            zip(random.normal(size=READINGS).tolist(), itertools.cycle(range(PARTITIONS)), strict=False)
        )
    ]


@pytest.fixture(scope="module")
def lives(kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path_factory: Any) -> Lives:
    """`kill -9` in the middle of the stream, twice. A static member comes back to its partitions at once."""
    folder: Path = tmp_path_factory.mktemp("crash")
    topic = make_topic(partitions=PARTITIONS, prefix="sensors")
    names = fresh_names()
    changes = names | {
        "groups.0.topics": [topic],
        "groups.0.format.timestamp_unit": "seconds",
        "groups.0.channels": [{"name": "value", "field": "V1"}],
        "kafka.group_instance_id": names["kafka.group_id"],
        "kafka.max_poll_records": 200,
        "delivery": "at_least_once",
    }
    config = adapted("sensors.yaml", folder, changes)
    write(kafka, topic, rows())
    read_to = ends(kafka, topic)
    deaths, logs = [], ""
    for count in KILLED_AFTER:
        with DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as doomed:
            doomed.wait_until_ready()
            with reading(kafka, names["outputs.results.topic"]) as results:
                results.wait_for(count)
                doomed.kill()
                seen = identities(results.read_to_end())
        deaths.append(Death(committed(kafka, names["kafka.group_id"], topic), set(seen)))
        logs += doomed.log
    with DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as last:
        last.until(lambda: committed(kafka, names["kafka.group_id"], topic) == read_to, "everything committed")
        last.wait_until_ready()
        assert last.leave() == 0
    with reading(kafka, names["outputs.results.topic"]) as results:
        found = identities(results.read_to_end())
    return Lives(
        published={(partition, offset) for partition, end in read_to.items() for offset in range(end)},
        deaths=deaths,
        results=found,
        committed=committed(kafka, names["kafka.group_id"], topic),
        ends=read_to,
        logs=logs + last.log,
    )


def identities(results: list[dict[str, Any]]) -> list[Identity]:
    return [(result["partition"], result["offset"]) for result in results]


def test_it_was_killed_in_the_middle_of_the_stream(lives: Lives) -> None:
    assert [0 < len(death.results) < READINGS for death in lives.deaths] == [True] * len(KILLED_AFTER)


def test_no_reading_is_left_without_a_result(lives: Lives) -> None:
    assert set(lives.results) == lives.published
    assert lives.committed == lives.ends


def test_no_offset_was_committed_before_the_results_in_front_of_it_were_there(lives: Lives) -> None:
    for death in lives.deaths:
        for partition, next_offset in death.committed.items():
            promised = {(partition, offset) for offset in range(next_offset or 0)}
            assert promised - death.results == set()


def test_only_what_was_not_committed_is_repeated(lives: Lives) -> None:
    repeated = [identity for identity, count in Counter(lives.results).items() if count > 1]

    for partition, offset in repeated:
        assert any(offset >= (death.committed[partition] or 0) for death in lives.deaths)
        assert any((partition, offset) in death.results for death in lives.deaths)


def test_no_start_after_a_crash_complains(lives: Lives) -> None:
    assert "Traceback" not in lives.logs
    assert "ERROR" not in lives.logs
