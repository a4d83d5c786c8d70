"""`streamer replay` and `streamer reset` beside a daemon that has read a topic, as their users start them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kafka import KafkaAdminClient

from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, committed, ends, reading, write
from tests.end_to_end.process import DaemonProcess, adapted, run, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
READINGS, SERIES, FIRST_SECOND = 1_200, 20, 1_767_600_000
Identity = tuple[int, int]


@dataclass(frozen=True)
class Past:
    """A group whose daemon has read everything and left."""

    servers: str
    config: Path
    group_id: str
    topic: str
    outputs: dict[str, str]
    results: dict[Identity, dict[str, Any]]  # by partition and offset
    alarms: list[dict[str, Any]]

    def command(self, *arguments: str | Path) -> Any:
        name, *options = arguments
        return run(name, self.config, *options, KAFKA_BOOTSTRAP_SERVERS=self.servers)

    def written(self, topic: str) -> list[dict[str, Any]]:
        with reading(self.servers, topic) as reader:
            return reader.read_to_end()


def rows() -> list[Row]:
    """Readings a second apart, outliers and one that cannot be read among them; records carry their times."""
    random = np.random.default_rng(0)
    made = []
    for number, value in enumerate(random.normal(size=READINGS).tolist()):
        second = FIRST_SECOND + number
        spoken = "broken" if number == 700 else value + (50.0 if number % 173 == 172 else 0.0)
        made.append(Row(f"s{number % SERIES}".encode(), json.dumps({"time": second, "V1": spoken}).encode(),
                        number % 2, second * 1000))  # fmt: skip
    return made


def by_identity(results: list[dict[str, Any]]) -> dict[Identity, dict[str, Any]]:
    found = {(result["partition"], result["offset"]): result for result in results}
    assert len(found) == len(results)
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def time_of(number: int) -> str:
    return datetime.fromtimestamp(FIRST_SECOND + number, UTC).isoformat()


@pytest.fixture
def past(
    kafka: str,
    make_topic: MakeTopic,
    fresh_names: Callable[[], dict[str, Any]],
    kafka_admin: KafkaAdminClient,
    tmp_path: Path,
) -> Past:
    topic, names = make_topic(partitions=2, prefix="sensors"), fresh_names()
    changes = names | {
        "groups.0.topics": [topic],
        "groups.0.format.timestamp_unit": "seconds",
        "groups.0.channels": [{"name": "value", "field": "V1"}],
        "kafka.session_timeout_seconds": 6.0,
        "checkpoints": {"directory": str(tmp_path / "checkpoints"), "interval_seconds": 3600},
    }
    config = adapted("sensors.yaml", tmp_path, changes)
    group_id, outputs = names["kafka.group_id"], {name: names[f"outputs.{name}.topic"] for name in OUTPUTS}
    for part in (rows()[:800], rows()[800:]):  # a checkpoint when it leaves, at 400 in both partitions and at the end
        write(kafka, topic, part)
        with DaemonProcess(config, tmp_path, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
            daemon.until(lambda: committed(kafka, group_id, topic) == ends(kafka, topic), "everything committed")
            assert daemon.leave() == 0
    until(lambda: not kafka_admin.describe_groups([group_id])[group_id]["members"], "the group empty")
    made = Past(kafka, config, group_id, topic, outputs, {}, [])
    return Past(
        **{name: getattr(made, name) for name in ("servers", "config", "group_id", "topic", "outputs")},
        results=by_identity(made.written(outputs["results"])),
        alarms=made.written(outputs["alarms"]),
    )


OUTPUTS = ("results", "alarms", "dead_letters")


def test_a_replay_of_everything_gives_what_the_daemon_gave_and_touches_nothing(
    past: Past, tmp_path: Path, kafka_admin: KafkaAdminClient
) -> None:
    before = committed(past.servers, past.group_id, past.topic)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.checkpoint")}

    told = past.command("replay", "--from", "earliest", "--results", tmp_path / "out")

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("1,200 records, 1,200 readings: 1,199 scored, 1 rejected; ")
    assert by_identity(lines(tmp_path / "out" / f"{past.outputs['results']}.jsonl")) == past.results
    assert len(past.results) == READINGS - 1
    alarms = lines(tmp_path / "out" / f"{past.outputs['alarms']}.jsonl")
    expected = [alarm | {"historical": True} for alarm in past.alarms]
    assert sorted(alarms, key=str) == sorted(expected, key=str)
    assert expected != past.alarms
    assert committed(past.servers, past.group_id, past.topic) == before
    assert kafka_admin.describe_groups([past.group_id])[past.group_id]["members"] == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.checkpoint")} == kept


def test_a_replay_with_state_from_the_middle_goes_on_as_the_daemon_did(past: Past) -> None:
    told = past.command(
        "replay", "--from", time_of(900), "--to", time_of(1100), "--with-state", "--topic-suffix", "-again"
    )

    assert told.returncode == 0, told.stderr
    replayed = by_identity(past.written(past.outputs["results"] + "-again"))
    assert replayed == {at: result for at, result in past.results.items() if 450 <= at[1] < 550}
    assert len(replayed) == 200


def test_a_replay_without_state_from_the_middle_is_warming(past: Past, tmp_path: Path) -> None:
    told = past.command("replay", "--from", "450", "--results", tmp_path / "out")

    assert told.returncode == 0, told.stderr
    replayed = by_identity(lines(tmp_path / "out" / f"{past.outputs['results']}.jsonl"))
    assert replayed.keys() == {at for at in past.results if at[1] >= 450}
    assert replayed[0, 450]["warming"]
    assert not past.results[0, 450]["warming"] or replayed[0, 450] != past.results[0, 450]


def test_a_replay_that_would_mix_outputs_or_has_no_state_to_go_on_from_is_refused(past: Past, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{past.outputs['alarms']}.jsonl").touch()

    mixed = past.command("replay", "--from", "earliest", "--results", tmp_path / "out")
    nowhere = past.command("replay", "--from", "earliest")
    stateless = past.command("replay", "--from", "10", "--with-state", "--results", tmp_path / "new")

    assert (mixed.returncode, nowhere.returncode, stateless.returncode) == (2, 2, 6)
    assert "--results: Expected a directory without outputs" in mixed.stderr
    assert "Expected either --results or --topic-suffix" in nowhere.stderr
    assert "Expected a checkpoint at or before" in stateless.stderr


def test_a_reset_moves_group_and_state_and_the_daemon_says_the_same_again(past: Past, tmp_path: Path) -> None:
    asked = past.command("reset", "--to", time_of(900))
    where_it_was = committed(past.servers, past.group_id, past.topic)
    moved = past.command("reset", "--to", time_of(900), "--yes")

    assert (asked.returncode, where_it_was) == (2, {0: 600, 1: 600})
    assert "Expected --yes" in asked.stderr
    assert moved.returncode == 0, moved.stderr
    assert "checkpoint 400, 50 offsets to step silently" in moved.stdout
    assert committed(past.servers, past.group_id, past.topic) == {0: 450, 1: 450}
    assert by_identity(again(past, tmp_path)) == {at: result for at, result in past.results.items() if at[1] >= 450}


def test_a_fresh_reset_to_the_beginning_is_a_first_start(past: Past, tmp_path: Path) -> None:
    moved = past.command("reset", "--to", "earliest", "--fresh", "--yes")

    assert moved.returncode == 0, moved.stderr
    assert committed(past.servers, past.group_id, past.topic) == {0: 0, 1: 0}
    assert by_identity(again(past, tmp_path)) == past.results


def again(past: Past, folder: Path) -> list[dict[str, Any]]:
    """What the daemon writes now, until it has read everything; while it runs nobody moves it."""
    read_to = ends(past.servers, past.topic)
    with reading(past.servers, past.outputs["results"]) as results:
        before = len(results.read_to_end())
        with DaemonProcess(past.config, folder, KAFKA_BOOTSTRAP_SERVERS=past.servers) as daemon:
            daemon.until(lambda: committed(past.servers, past.group_id, past.topic) == read_to, "everything committed")
            refused = past.command("reset", "--to", "earliest", "--yes")
            assert daemon.leave() == 0
        assert refused.returncode == 2
        assert "Expected nobody in the group, got 1: " in refused.stderr
        return results.read_to_end()[before:]
