"""A retraining waits for the first drift of its group that none has answered yet, and for nothing else."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.errors import ConfigError
from connectors.memory import records_of
from connectors.outputs import OutputOptions
from connectors.past import MemoryPast, Past
from connectors.shelf import Shelf
from streamer import config
from streamer.config import Config
from streamer.retraining.contest import Contest, Figures
from streamer.retraining.report import NOTE, Report, Verdict
from streamer.retraining.trigger import POLL_SECONDS, Told, await_drift, wait
from tests.conftest import MakeTopic
from tests.connectors.columns_samples import alarms_of, drifts_of, results_of, silences_of
from tests.streamer.retraining.readings import configuration

DRIFT: dict[str, Any] = {
    "schema_version": 1,
    "event": "noticed",
    "kind": "drift",
    "group": "plant",
    "topic": "machines",
    "detector": "adwin",
    "timestamp": "2022-03-20T10:00:01.000000000Z",
    "historical": False,
}
OTHERS = [DRIFT | {"group": "another"}, DRIFT | {"kind": "spike"}, DRIFT | {"historical": True}]


class TooLong(Exception):
    """Nothing came."""


def never(_: float) -> None:
    raise TooLong


def past(records: Sequence[dict[str, Any] | None], partition: int = 0) -> Past:
    where = TopicPartition("alarms", partition)
    rows = [(b"k", None if record is None else json.dumps(record).encode()) for record in records]
    return MemoryPast([records_of(where, rows)], where, 0)


def test_the_first_drift_of_the_group_ends_the_waiting() -> None:
    told = wait([past([*OTHERS, None]), past([DRIFT, DRIFT | {"detector": "page_hinkley"}], 1)], "plant", never)

    assert told == Told("plant", "drift", "adwin", "2022-03-20T10:00:01.000000000Z")
    assert str(told) == "group plant: adwin noticed a drift at 2022-03-20T10:00:01.000000000Z"


def test_what_the_daemon_writes_of_a_drift_is_understood_and_other_alarms_are_passed_over() -> None:
    columns = (alarms_of(results_of(["a", "b"])), silences_of(["a"]), drifts_of(["adwin", "page_hinkley"]))
    values = [message.value for one in columns for message in Encoder(OutputOptions()).encode(one)]
    where = TopicPartition("alarms", 0)

    told = wait([MemoryPast([records_of(where, [(b"k", value) for value in values])], where, 0)], "plant", never)

    assert told.detector == "page_hinkley"  # the first one is history


@pytest.mark.parametrize("record", OTHERS)
def test_nothing_else_does(record: dict[str, Any]) -> None:
    with pytest.raises(TooLong):
        wait([past([record])], "plant", never)


def test_a_record_that_is_no_alarm_is_told_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    where = TopicPartition("alarms", 3)
    rows = [(b"k", b"no JSON"), (b"k", b'{"detector": null}'), (b"k", json.dumps(DRIFT).encode())]

    told = wait([MemoryPast([records_of(where, rows)], where, 0)], "plant", never)

    assert told.detector == "adwin"
    warnings = [record.getMessage() for record in caplog.records]
    assert [text.split(", got")[0] for text in warnings] == [
        f"alarms-3, offset {offset}: expected an alarm" for offset in (0, 1)
    ]


def test_it_looks_again_after_a_pause() -> None:
    log, pauses = [past([])], []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        log[0] = past([DRIFT])

    assert wait(log, "plant", pause).kind == "drift"
    assert pauses == [POLL_SECONDS]


@pytest.mark.parametrize("changes", [{"training": None}, {}])
def test_a_configuration_that_cannot_say_is_refused_at_once(changes: dict[str, Any], tmp_path: Path) -> None:
    settings = msgspec.structs.replace(configuration(tmp_path, "gru"), **changes)

    with pytest.raises(ConfigError, match=r"Expected (a table `training`|sink kafka)"):
        await_drift(settings, never)


@pytest.fixture
def answered(kafka: str, make_topic: MakeTopic, tmp_path: Path) -> Iterator[tuple[Config, KafkaProducer]]:
    """A group whose last retraining began at 1,000 s, and who writes its alarms."""
    raw = {
        "kafka": {"bootstrap_servers": kafka, "group_id": "g", "start": "earliest"},
        "groups": [
            {"name": "plant", "topics": ["machines"], "format": {"type": "json"}, "artifact": str(tmp_path / "shelf")}
        ],
        "outputs": {"alarms": {"topic": make_topic(partitions=2, prefix="alarms")}},
        "training": {"data": {"type": "kafka"}},
    }
    figures = Figures(1.0, 0.99, 0)
    report = Report(
        "plant", "a", "b", Verdict(False, "no"), Contest(figures, figures, 1, 1), 0.99, 1, 1, "", "", "", 1000.0, 1.0
    )
    Shelf(tmp_path / "shelf").put_note(NOTE, msgspec.json.encode(report))
    producer = KafkaProducer(bootstrap_servers=kafka)
    yield config.parse(raw, "test"), producer
    producer.close()


@pytest.mark.kafka
def test_a_drift_before_the_last_retraining_has_been_answered(answered: tuple[Config, KafkaProducer]) -> None:
    settings, producer = answered
    topic, pauses = settings.outputs.alarms.topic, []

    def put(detector: str, partition: int, second: float) -> None:
        value = json.dumps(DRIFT | {"detector": detector}).encode()
        producer.send(topic, value, partition=partition, timestamp_ms=round(second * 1000))
        producer.flush()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            put("page_hinkley", 1, 1001)

    put("adwin", 0, 999)

    told = await_drift(settings, pause)

    assert told.detector == "page_hinkley"
    assert pauses
