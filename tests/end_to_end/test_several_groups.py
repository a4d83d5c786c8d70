"""Groups of different formats in one daemon, and two daemons that share their partitions in good order."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, committed, ends, reading, write
from tests.end_to_end.process import DaemonProcess

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
START_SECONDS = 1_767_600_000
PARTITIONS = 4
SERIES = 12
STEPS = 50  # of every series in every phase
Expected = tuple[str, str, str, float]  # group, series, timestamp, value


@dataclass(frozen=True)
class Topics:
    """One topic a group; that of the arrays is found by a pattern."""

    objects: str
    arrays: str
    lines: str


@dataclass(frozen=True)
class Story:
    """What came of three phases of readings."""

    topics: Topics
    group_id: str
    expected: list[Expected]
    results: list[dict[str, Any]]
    scored_by_the_second: float
    exit_codes: list[int]
    logs: str


def configuration(topics: Topics, names: dict[str, Any]) -> dict[str, Any]:
    """Three groups: a JSON object a record, an array of them, and a line of CSV."""
    return {
        "kafka": {
            "bootstrap_servers": "${KAFKA_BOOTSTRAP_SERVERS}",
            "group_id": names["kafka.group_id"],
            "start": "earliest",
            "create_topics": {"partitions": PARTITIONS, "replication_factor": 1},
            "heartbeat_interval_seconds": 0.2,
        },
        "groups": [
            {
                "name": "objects",
                "topics": [topics.objects],
                "format": {"type": "json", "timestamp_field": "time", "timestamp_unit": "seconds"},
            },
            {
                "name": "arrays",
                "topic_patterns": [topics.arrays[:-1] + "."],
                "format": {
                    "type": "json_array",
                    "series_field": "sensor",
                    "timestamp_field": "t",
                    "timestamp_unit": "milliseconds",
                },
                "channels": [{"name": "level", "field": "v"}],
                "cell": "lstm",
            },
            {
                "name": "lines",
                "topics": [topics.lines],
                "format": {
                    "type": "csv",
                    "columns": ["at", "meter", "kwh"],
                    "delimiter": ";",
                    "series_field": "meter",
                    "timestamp_field": "at",
                },
                "channels": ["kwh"],
            },
        ],
        "outputs": {name: {"topic": names[f"outputs.{name}.topic"]} for name in ("results", "alarms", "dead_letters")},
        "http": {"port": 0},
    }


def readings(phase: int) -> list[tuple[str, int, float]]:
    """Series, second and value of every reading of a phase."""
    random = np.random.default_rng(phase)
    walk = np.cumsum(random.normal(size=(STEPS, SERIES)), axis=0) + 50
    return [
        (f"s{number}", START_SECONDS + phase * STEPS + step, round(float(walk[step, number]), 6))
        for step in range(STEPS)
        for number in range(SERIES)
    ]


def publish(kafka: str, topics: Topics, phase: int) -> list[Expected]:
    """Put the readings of a phase on the three topics, each series in one partition, and say what must come of them."""
    objects, arrays, lines, expected = [], [], [], []
    batches: dict[int, list[dict[str, Any]]] = {}
    for series, second, value in readings(phase):
        partition = int(series[1:]) % PARTITIONS
        moment = f"{np.datetime64(second, 's')}"
        objects.append(Row(series.encode(), json.dumps({"time": second, "value": value}).encode(), partition))
        lines.append(Row(None, f"{moment}Z; {series} ;{value}".encode(), partition))
        batches.setdefault(partition, []).append({"sensor": series, "t": second * 1000, "v": value})
        expected += [(group, series, f"{moment}.000000000Z", value) for group in ("objects", "arrays", "lines")]
    for partition, elements in batches.items():
        arrays += [
            Row(None, json.dumps(elements[at : at + 20]).encode(), partition) for at in range(0, len(elements), 20)
        ]
    write(kafka, topics.objects, objects)
    write(kafka, topics.arrays, arrays)
    write(kafka, topics.lines, lines)
    return expected


def scored(daemon: DaemonProcess) -> float:
    """Readings that a daemon has scored, of all groups."""
    page = daemon.ask("/metrics")[1]
    return sum(
        float(line.split()[1]) for line in page.splitlines() if line.startswith("streamer_readings_scored_total{")
    )


@pytest.fixture(scope="module")
def story(kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path_factory: Any) -> Story:
    """A daemon alone, then two of one consumer group, then the first alone again."""
    topics = Topics(*(make_topic(partitions=PARTITIONS, prefix=name) for name in ("objects", "arrays", "lines")))
    names = fresh_names()
    folder: Path = tmp_path_factory.mktemp("groups")
    config = folder / "groups.yaml"
    config.write_text(yaml.safe_dump(configuration(topics, names)))
    with ExitStack() as running:
        first = running.enter_context(DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka))
        first.wait_until_ready()
        results = running.enter_context(reading(kafka, names["outputs.results.topic"]))
        expected = publish(kafka, topics, 0)
        results.wait_for(len(expected))
        second = running.enter_context(DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka))
        second.wait_until_ready()
        expected += publish(kafka, topics, 1)
        results.wait_for(len(expected))
        shared = second.until(lambda: scored(second), "readings that the second one scored")
        exit_codes = [second.leave()]
        expected += publish(kafka, topics, 2)
        results.wait_for(len(expected))
        exit_codes.append(first.leave())
        found = results.read_to_end()
    return Story(topics, names["kafka.group_id"], expected, found, shared, exit_codes, first.log + second.log)


def test_every_reading_has_exactly_one_result_while_daemons_come_and_go(story: Story) -> None:
    came = [
        (result["group"], result["series"], result["timestamp"], *result["value"].values()) for result in story.results
    ]

    assert len(came) == 3 * 3 * STEPS * SERIES
    assert Counter(came) == Counter(story.expected)


def test_two_daemons_of_one_consumer_group_share_the_work(story: Story) -> None:
    assert 0 < story.scored_by_the_second < 3 * STEPS * SERIES


def test_the_results_of_a_series_stay_in_order_over_every_hand_over(story: Story) -> None:
    for group in ("objects", "arrays", "lines"):
        for number in range(SERIES):
            times = [
                result["timestamp"]
                for result in story.results
                if (result["group"], result["series"]) == (group, f"s{number}")
            ]
            assert times == sorted(times)


def test_each_group_reads_its_own_topics_in_its_own_way(story: Story) -> None:
    seen = {(result["group"], result["topic"], *result["value"]) for result in story.results}

    topics = story.topics
    assert seen == {
        ("objects", topics.objects, "value"),
        ("arrays", topics.arrays, "level"),
        ("lines", topics.lines, "kwh"),
    }
    assert {result["artifact"][:4] for result in story.results if result["group"] == "arrays"} == {"lstm"}
    assert {result["index"] for result in story.results if result["group"] == "arrays"} == set(range(20))


def test_everything_is_committed_and_both_left_in_good_order(story: Story, kafka: str) -> None:
    for topic in (story.topics.objects, story.topics.arrays, story.topics.lines):
        assert committed(kafka, story.group_id, topic) == ends(kafka, topic)
    assert story.exit_codes == [0, 0]
    assert "Traceback" not in story.logs
