"""A topic that grows, or is made anew, under a group that reads it from the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from connectors import kafka_options
from connectors.errors import StateError
from streamer import config as configuration
from streamer.daemon import Daemon
from streamer.wiring import build
from tests.end_to_end.independent import Row, committed, ends, reading, topics, write
from tests.end_to_end.process import adapted, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
TURNS = 600


@pytest.fixture
def names(fresh_names: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return fresh_names()


@pytest.fixture
def daemon(
    kafka: str, topic: str, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    """What runs a daemon that reads the topic from its end and hears of new partitions soon."""
    monkeypatch.setitem(kafka_options._COMMON_CONFIG, "metadata_max_age_ms", 500)  # noqa: SLF001
    changes = names | {
        "groups.0.topics": [topic],
        "kafka.start": "latest",
        "kafka.heartbeat_interval_seconds": 0.1,
        "kafka.session_timeout_seconds": 6.0,
        "checkpoints": {"directory": str(tmp_path / "checkpoints")},
    }
    loaded = configuration.load(adapted("sensors.yaml", tmp_path, changes), {"KAFKA_BOOTSTRAP_SERVERS": kafka})

    @contextmanager
    def run() -> Iterator[Daemon]:
        with build(loaded) as running:
            yield running

    return run


def turn_until(daemon: Daemon, is_reached: Callable[[], bool]) -> None:
    left = iter(range(TURNS))
    daemon.turn_until(lambda: is_reached() or next(left, None) is None)
    assert is_reached()


def temperature(value: float, partition: int) -> Row:
    return Row(b"room", b'{"time": "2026-01-01", "V1": %f}' % value, partition)


def test_what_is_written_to_a_new_partition_before_anybody_knows_of_it_is_not_lost(
    kafka: str, topic: str, names: dict[str, Any], daemon: Callable[[], Any], kafka_admin: KafkaAdminClient
) -> None:
    group, results = names["kafka.group_id"], names["outputs.results.topic"]
    write(kafka, topic, [temperature(1.0, 0)])  # before the group, which starts behind it
    with daemon() as running:
        turn_until(running, lambda: committed(kafka, group, topic) == {0: 1})

        kafka_admin.create_partitions({topic: 2})
        until(lambda: len(ends(kafka, topic)) == 2, "a second partition")
        write(kafka, topic, [temperature(2.0, 1)])
        turn_until(running, lambda: committed(kafka, group, topic) == {0: 1, 1: 1})

    with reading(kafka, results) as reader:
        found = reader.read_to_end()
    assert [(result["partition"], result["offset"]) for result in found] == [(1, 0)]


@pytest.mark.parametrize("records", [0, 3])
def test_a_topic_that_was_made_anew_is_refused_whether_or_not_its_offsets_exist(
    records: int,
    kafka: str,
    topic: str,
    names: dict[str, Any],
    daemon: Callable[[], Any],
    kafka_admin: KafkaAdminClient,
) -> None:
    group = names["kafka.group_id"]
    with daemon() as running:
        turn_until(running, lambda: committed(kafka, group, topic) == {0: 0})
        write(kafka, topic, [temperature(1.0, 0)])
        turn_until(running, lambda: committed(kafka, group, topic) == {0: 1})

    kafka_admin.delete_topics([topic])
    until(lambda: topic not in topics(kafka), "the topic gone")
    kafka_admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    write(kafka, topic, [temperature(2.0, 0)] * records)

    with pytest.raises(StateError, match="it was deleted and made anew"), daemon() as again:
        turn_until(again, lambda: False)
