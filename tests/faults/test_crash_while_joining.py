"""A daemon that is killed while parts wait to be joined leaves what an undisturbed run leaves, through real Kafka."""

import json
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.end_to_end.independent import Row, reading
from tests.end_to_end.process import adapted
from tests.faults.comparison import Comparison
from tests.faults.forked import ForkedDaemon
from tests.faults.stage import Stage
from tests.faults.undisturbed import START_SECONDS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
STEPS, SERIES, PARTITIONS = 150, 6, 2
KILLED_AFTER = (1, 300)  # results on the topic
OFTEN = {"checkpoints": {"directory": "${CHECKPOINTS}", "interval_seconds": 0.05}}
JOINED: dict[str, Any] = {
    "groups.0.format.channel_field": "channel",
    "groups.0.format.value_field": "value",
    "groups.0.order": {"join_seconds": 10, "reorder_seconds": 15},
}


def parts() -> list[Row]:
    """Every ten seconds both channels of each series, apart, in any order of half a minute; some come too late."""
    random = np.random.default_rng(4)
    drawn = []
    for step in range(STEPS):
        for number in range(SERIES):
            for channel in ("a", "b"):
                second = START_SECONDS + 10 * step + int(random.integers(10))
                value = random.normal() + (40 if random.random() < 0.01 else 0)
                said = {"series": f"s{number}", "time": second, "channel": channel, "value": value}
                row = Row(f"s{number}".encode(), json.dumps(said).encode(), number % PARTITIONS, second * 1000)
                drawn.append((second + random.uniform(0, 20) + (60 if random.random() < 0.01 else 0), row))
    return [row for _, row in sorted(drawn, key=lambda one: one[0])]


class Lives(NamedTuple):
    """What is there after all of them, and how much there was after each death."""

    outputs: dict[str, Comparison]
    results: list[int]


@pytest.fixture(scope="module")
def lives(kafka: str, tmp_path_factory: Any) -> Lives:
    folder = tmp_path_factory.mktemp("lives")
    stage = Stage(kafka, folder, PARTITIONS)
    stage.make_topics()
    changes = stage.changes | {"kafka.group_instance_id": stage.group} | OFTEN | JOINED
    config = adapted("sensors.yaml", folder, changes)
    flow, deaths, topic = parts(), [], stage.topics["results"]
    stage.publish(flow)
    for count in KILLED_AFTER:
        with ForkedDaemon(config, folder, **stage.variables) as doomed, reading(kafka, topic) as results:
            results.wait_for(count)
            doomed.kill()
            deaths.append(len(results.read_to_end()))
    with ForkedDaemon(config, folder, **stage.variables) as last:
        last.until(stage.is_all_committed, "everything committed")
        last.wait_until_ready()
        assert last.leave() == 0
    return Lives(stage.compare(flow, JOINED), deaths)


def test_it_was_killed_with_parts_read_and_results_to_come(lives: Lives) -> None:
    assert [0 < count < len(lives.outputs["results"].expected) for count in lives.results] == [True, True]


def test_every_result_is_there_once_but_those_that_wait_for_more(lives: Lives) -> None:
    results = lives.outputs["results"]

    assert (results.unexpected, results.repeated, results.different) == (set(), set(), [])
    assert SERIES <= len(results.missing) <= 5 * SERIES  # a file ends, a topic does not
    assert len(results.expected) < 1.1 * STEPS * SERIES


@pytest.mark.parametrize("output", ["alarms", "dead_letters"])
def test_alarms_and_the_late_are_those_of_an_undisturbed_run(lives: Lives, output: str) -> None:
    found = lives.outputs[output]

    assert found.expected
    assert found.missing <= lives.outputs["results"].missing
    assert (found.unexpected, found.repeated, found.different) == (set(), set(), [])
