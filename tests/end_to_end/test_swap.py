"""Another artifact is promoted while readings flow: none is lost, none comes twice, and no alarms burst."""

import itertools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from models.artifact import load, save, shipped
from tests.conftest import MakeTopic
from tests.end_to_end.conftest import CELLS
from tests.end_to_end.independent import committed, ends, reading, write
from tests.end_to_end.process import DaemonProcess, adapted, run
from tests.faults.undisturbed import READING, rows
from tests.streamer.rivals import rival

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
PARTITIONS, SERIES = 2, 40
BEFORE, AFTER = 3_000, 1_000  # readings: before the promotion, and after the last barrier
PART = 100  # published at a time, while the daemon is at work on those before
MOST = 10_000  # within so many the barriers must have come
SHADOW_READINGS = 200
ADOPTIONS = 'streamer_artifact_adoptions_total{group="machines"}'


@dataclass(frozen=True)
class Swap:
    """What the world saw."""

    artifacts: tuple[str, str]  # the one before, and the one that was promoted
    results: list[dict[str, Any]]
    alarms: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    ends: dict[int, int]
    page: str  # of the metrics, at the end
    exit_code: int
    said: str  # by `streamer promote`


def metric(page: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _is_read(kafka: str, group_id: str, topic: str, written: dict[int, int]) -> bool:
    """Whether the group has come to these ends, however slow the machine: else all is written before a barrier."""
    read = committed(kafka, group_id, topic)
    return all((read.get(part) or 0) >= end for part, end in written.items())


@pytest.fixture(scope="module", params=CELLS)
def swap(
    request: pytest.FixtureRequest,
    kafka: str,
    make_topic: MakeTopic,
    fresh_names: Callable[[], dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Swap:
    cell, folder = request.param, tmp_path_factory.mktemp("swap")
    topic, names = make_topic(partitions=PARTITIONS, prefix="sensors"), fresh_names()
    changes = {
        "groups.0.topics": [topic],
        "groups.0.cell": cell,
        "groups.0.artifact": str(folder / "shelf"),
        "groups.0.adoption": {"shadow_readings": SHADOW_READINGS},
        "kafka.max_poll_records": 500,
    }
    config = adapted("sensors.yaml", folder, READING | names | changes)
    save(rival(cell), folder / "rival.safetensors")
    flow = iter(rows(BEFORE + MOST + AFTER, SERIES, PARTITIONS, seed=3))
    with DaemonProcess(config, folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        daemon.wait_until_ready()
        write(kafka, topic, itertools.islice(flow, BEFORE))
        told = run("promote", config, "--artifact", folder / "rival.safetensors")
        assert told.returncode == 0, told.stderr
        for _ in range(MOST // PART):
            written = ends(kafka, topic)
            write(kafka, topic, itertools.islice(flow, PART))
            if metric(daemon.ask("/metrics")[1], ADOPTIONS) == PARTITIONS:
                break
            daemon.until(partial(_is_read, kafka, names["kafka.group_id"], topic, written), "the part before is read")
        write(kafka, topic, itertools.islice(flow, AFTER))
        daemon.until(lambda: committed(kafka, names["kafka.group_id"], topic) == ends(kafka, topic), "all is committed")
        page = daemon.ask("/metrics")[1]
        exit_code = daemon.leave()
    found = {}
    for output in ("results", "alarms", "dead_letters"):
        with reading(kafka, names[f"outputs.{output}.topic"], "read_committed") as reader:
            found[output] = reader.read_to_end()
    old, new = load(shipped(cell)).name, load(folder / "rival.safetensors").name
    return Swap((old, new), **found, ends=ends(kafka, topic), page=page, exit_code=exit_code, said=told.stdout)


def test_every_reading_has_one_result_or_one_dead_letter(swap: Swap) -> None:
    told = Counter((one["partition"], one["offset"]) for one in [*swap.results, *swap.dead_letters])

    assert swap.dead_letters
    assert set(told.values()) == {1}
    assert told.keys() == {(part, offset) for part, end in swap.ends.items() for offset in range(end)}
    assert swap.exit_code == 0


def test_every_partition_goes_from_one_artifact_to_the_other_once(swap: Swap) -> None:
    old, new = swap.artifacts

    for part in range(PARTITIONS):
        ours = sorted((one["offset"], one["artifact"]) for one in swap.results if one["partition"] == part)
        assert [name for name, _ in itertools.groupby(artifact for _, artifact in ours)] == [old, new]
    assert f"{old} is in force" not in swap.said
    assert f"{new} is in force, before: 000001-{old}" in swap.said


def test_alarms_do_not_burst_when_the_other_one_takes_over(swap: Swap) -> None:
    """Openings in a thousand readings: as many after the barrier as before it, give or take what chance gives."""
    opened = {(one["partition"], one["offset"]) for one in swap.alarms if one["event"] == "opened"}
    counts = []
    for artifact in swap.artifacts:
        ours = {(one["partition"], one["offset"]) for one in swap.results if one["artifact"] == artifact}
        counts.append((len(opened & ours), len(ours)))
    (before, readings_before), (after, readings_after) = counts
    expected = before * readings_after / readings_before

    assert before > 0
    assert after <= expected + 4 * expected**0.5 + 2


def test_no_series_is_warming_behind_the_barrier(swap: Swap) -> None:
    assert [one["series"] for one in swap.results if one["artifact"] == swap.artifacts[1] and one["warming"]] == []


def test_every_alarm_is_opened_once_and_closed_after_that(swap: Swap) -> None:
    events: dict[str, list[str]] = {}
    for alarm in swap.alarms:
        events.setdefault(alarm["alarm_id"], []).append(alarm["event"])

    assert {tuple(said) for said in events.values()} <= {("opened",), ("opened", "closed")}


def test_the_page_tells_how_both_did_and_that_the_other_one_is_in_force(swap: Swap) -> None:
    crps = [
        metric(swap.page, f'streamer_shadow_crps_total{{group="machines",model="{model}"}}')
        for model in ("champion", "challenger")
    ]

    assert metric(swap.page, ADOPTIONS) == PARTITIONS
    assert metric(swap.page, 'streamer_shadow_readings_total{group="machines"}') >= PARTITIONS * SHADOW_READINGS
    assert crps[1] == pytest.approx(crps[0], rel=0.2)
    assert f'streamer_artifact_info{{artifact="{swap.artifacts[1]}"' in swap.page
