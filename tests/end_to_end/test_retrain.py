"""`streamer retrain` on what a topic holds, and a daemon that goes on by what it has promoted."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from connectors.shelf import Shelf
from streamer.retraining.report import NOTE, Report
from tests.conftest import MakeTopic
from tests.end_to_end.conftest import CELLS
from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import DaemonProcess, adapted, run
from tests.streamer.heirs import promoted
from tests.streamer.rivals import rival

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SERIES, HISTORY, FOLLOWED, MORE = 8, 2_400, 100, 200
STARTED = 1_767_600_000
KEPT_EXIT = 3
TRAINING = {"data": {"type": "kafka"}, "epochs": 2, "rows": 32, "length": 128, "window": 32}
RULES = {"window_seconds": 86_400, "min_readings": 100, "lead_readings": 100}


class Story(NamedTuple):
    """A daemon by poor weights, better ones that come meanwhile, and what everybody said."""

    poor: str
    first: Any  # the completed `streamer retrain`
    second: Any  # the one after it, which learns nothing
    shelf: Shelf
    results: list[dict[str, Any]]
    page: str
    exit_code: int


def rows(first: int, count: int) -> list[Row]:
    """Waves of a few series, ten seconds apart, in the order of time."""
    random = np.random.default_rng(first)
    made = []
    for number in range(first, first + count):
        step, series = divmod(number, SERIES)
        value = 10 * np.sin(2 * np.pi * (step / 12 + series / SERIES)) + random.normal() + 100 * series
        reading = {"time": STARTED + 10 * step, "V1": float(value)}
        made.append(Row(f"s{series}".encode(), json.dumps(reading).encode(), 0))
    return made


def told(daemon: DaemonProcess, name: str, labels: str = 'group="machines"') -> float:
    """What the daemon's page has of a metric, 0 where it has nothing."""
    found = re.search(rf"^streamer_{name}{{{labels}}} (\S+)$", daemon.ask("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def scored(daemon: DaemonProcess, count: int) -> None:
    """Return when so many readings are scored."""
    daemon.until(lambda: told(daemon, "readings_scored_total") >= count, f"{count} readings are scored")


@pytest.fixture(scope="module", params=CELLS)
def story(
    request: pytest.FixtureRequest,
    kafka: str,
    make_topic: MakeTopic,
    fresh_names: Callable[[], dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    folder, idle = tmp_path_factory.mktemp("retrain"), tmp_path_factory.mktemp("idle")
    topic, poor = make_topic(prefix="sensors"), rival(request.param, 0.6, "recurrent")
    promoted(folder / "shelf", poor)
    changes = fresh_names() | {
        "groups.0.topics": [topic],
        "groups.0.format.timestamp_unit": "seconds",
        "groups.0.channels": [{"name": "value", "field": "V1"}],
        "groups.0.cell": request.param,
        "groups.0.artifact": str(folder / "shelf"),
        "groups.0.adoption": {"shadow_readings": FOLLOWED},
        "retraining": RULES,
    }
    config = adapted("sensors.yaml", folder, changes | {"training": TRAINING})
    learning_nothing = adapted("sensors.yaml", idle, changes | {"training": TRAINING | {"learning_rate": 1e-9}})
    write(kafka, topic, rows(0, HISTORY))
    with DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        scored(daemon, HISTORY)
        first = run("retrain", config, KAFKA_BOOTSTRAP_SERVERS=kafka)
        following = 'group="machines",progress="following"'
        daemon.until(lambda: told(daemon, "shadow_partitions", following), "a shadow follows")
        write(kafka, topic, rows(HISTORY, FOLLOWED))
        daemon.until(lambda: told(daemon, "artifact_adoptions_total"), "what was promoted is adopted")
        daemon.until(lambda: told(daemon, "retraining_promoted"), "the daemon tells of the first one")
        write(kafka, topic, rows(HISTORY + FOLLOWED, MORE))
        scored(daemon, HISTORY + FOLLOWED + MORE)
        second = run("retrain", learning_nothing, KAFKA_BOOTSTRAP_SERVERS=kafka)
        daemon.until(lambda: not told(daemon, "retraining_promoted"), "the daemon tells of the second one")
        page = daemon.ask("/metrics")[1]
        exit_code = daemon.leave()
    with reading(kafka, changes["outputs.results.topic"], "read_committed") as reader:
        results = reader.read_to_end()
    return Story(poor.name, first, second, Shelf(folder / "shelf"), results, page, exit_code)


def test_a_better_challenger_is_promoted_and_a_draw_is_not(story: Story) -> None:
    assert story.first.returncode == 0, story.first.stderr
    assert "# Retraining of machines: promoted" in story.first.stdout
    assert story.second.returncode == KEPT_EXIT, story.second.stderr
    assert "# Retraining of machines: not promoted" in story.second.stdout


def test_the_daemon_goes_on_by_what_was_promoted(story: Story) -> None:
    names = [result["artifact"] for result in sorted(story.results, key=lambda one: one["offset"])]
    title = story.shelf.current()

    assert title is not None
    assert [name for name, _ in itertools.groupby(names)] == [story.poor, title.partition("-")[2]]
    assert story.exit_code == 0


def test_every_reading_has_one_result(story: Story) -> None:
    offsets = [result["offset"] for result in story.results]

    assert sorted(offsets) == list(range(HISTORY + FOLLOWED + MORE))


def test_its_page_has_the_figures_of_the_last_one(story: Story) -> None:
    note = story.shelf.note(NOTE)
    assert note is not None
    report = msgspec.json.decode(note, type=Report)

    assert report.contest.judged > RULES["min_readings"]
    for model, figures in (("champion", report.contest.champion), ("challenger", report.contest.challenger)):
        assert f'streamer_retraining_crps{{group="machines",model="{model}"}} {figures.crps}' in story.page
