"""The life of a daemon on a real Kafka: it is told to reload, to show its stacks and to leave, and comes back."""

import json
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from streamer.checkpoint import Checkpoint, decode
from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, committed, reading, write
from tests.end_to_end.process import DaemonProcess, adapted

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
READINGS, SERIES = 300, 5


@dataclass(frozen=True)
class Household:
    """A configuration, its topics, and where its checkpoints are."""

    kafka: str
    folder: Path
    config: Path
    topic: str
    names: dict[str, Any]

    def daemon(self) -> DaemonProcess:
        return DaemonProcess(self.config, self.folder, KAFKA_BOOTSTRAP_SERVERS=self.kafka)

    def publish(self, first: int, count: int = READINGS) -> None:
        random = np.random.default_rng(first)
        times = range(1_767_600_000 + first, 1_767_600_000 + first + count)
        write(self.kafka, self.topic, [self._row(time, float(random.normal())) for time in times])

    def _row(self, time: int, value: float) -> Row:
        return Row(f"s{time % SERIES}".encode(), json.dumps({"time": time, "V1": value}).encode(), 0)

    def read(self, daemon: DaemonProcess) -> int:
        return int(metric(daemon, 'streamer_readings_read_total{group="machines"}'))

    def checkpoints(self) -> dict[int, Checkpoint]:
        """By next offset."""
        files = sorted((self.folder / "checkpoints").rglob("*.checkpoint"))
        found = [decode(file.read_bytes(), file.name) for file in files]
        return {checkpoint.next_offset: checkpoint for checkpoint in found}

    def rewrite(self, change: Callable[[dict[str, Any]], None]) -> None:
        raw = yaml.safe_load(self.config.read_text())
        change(raw)
        self.config.write_text(yaml.safe_dump(raw))


def metric(daemon: DaemonProcess, row: str) -> float:
    found = re.search(rf"(?m)^{re.escape(row)} (\S+)$", daemon.ask("/metrics")[1])
    assert found is not None, row
    return float(found[1])


@pytest.fixture
def household(
    kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path: Path
) -> Household:
    topic = make_topic(prefix="sensors")
    names = fresh_names()
    changes = names | {
        "groups.0.topics": [topic],
        "groups.0.format.timestamp_unit": "seconds",
        "groups.0.channels": [{"name": "value", "field": "V1"}],
        "kafka.group_instance_id": names["kafka.group_id"],
        "checkpoints": {"directory": str(tmp_path / "checkpoints"), "interval_seconds": 3_600},
    }
    return Household(kafka, tmp_path, adapted("sensors.yaml", tmp_path, changes), topic, names)


def test_sigterm_saves_where_it_stands_and_the_next_start_steps_nothing_again(household: Household) -> None:
    household.publish(0)
    with household.daemon() as first:
        first.until(lambda: household.read(first) == READINGS, "everything read")
        code = first.leave()
    left_at = committed(household.kafka, household.names["kafka.group_id"], household.topic)[0]
    newest = max(household.checkpoints())
    household.publish(READINGS)

    with household.daemon() as second:
        second.until(lambda: household.read(second) == READINGS, "the rest read")
        replayed = metric(second, 'streamer_readings_replayed_total{group="machines"}')
        assert second.leave() == 0

    assert code == 0
    assert newest == left_at
    assert replayed == 0
    with reading(household.kafka, household.names["outputs.results.topic"]) as results:
        offsets = sorted(result["offset"] for result in results.read_to_end())
    assert len(offsets) == len(set(offsets)) == 2 * READINGS
    assert f"{SERIES} series restored at offset {left_at}, committed is {left_at}" in second.log


def half_the_band(raw: dict[str, Any]) -> None:
    raw["groups"][0]["band_coverage"] = 0.5


def another_topic(raw: dict[str, Any]) -> None:
    raw["groups"][0]["topics"].append("others")


def test_sighup_has_it_go_on_by_the_new_choices_from_a_barrier_on(household: Household) -> None:
    household.publish(0)
    with household.daemon() as daemon:
        daemon.until(lambda: household.read(daemon) == READINGS, "everything read")
        household.rewrite(half_the_band)

        daemon.process.send_signal(signal.SIGHUP)

        daemon.until(lambda: READINGS in household.checkpoints(), "a barrier")
        assert household.checkpoints()[READINGS].settings["band_coverage"] == 0.5
        household.publish(READINGS)
        daemon.until(lambda: household.read(daemon) == 2 * READINGS, "the rest read")
        assert daemon.leave() == 0

    assert "reload: groups[0].band_coverage\n" in daemon.log
    with reading(household.kafka, household.names["outputs.results.topic"]) as results:
        widths = {
            result["offset"]: result["upper"]["value"] - result["lower"]["value"]
            for result in results.read_to_end()
            if result["upper"]["value"] is not None
        }
    before = np.mean([widths[offset] for offset in range(READINGS - 20, READINGS)])
    after = np.mean([widths[offset] for offset in range(READINGS, READINGS + 20)])
    assert after < 0.7 * before


def test_sighup_keeps_the_old_settings_where_the_file_is_bad_or_changes_too_much(household: Household) -> None:
    household.publish(0)
    with household.daemon() as daemon:
        daemon.until(lambda: household.read(daemon) == READINGS, "everything read")
        household.rewrite(another_topic)

        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: "got one of groups[0].topics, which needs a restart; everything stays" in daemon.log, "no")
        household.config.write_text("groups: [")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: "Expected YAML" in daemon.log, "no again")

        assert metric(daemon, 'streamer_config_reloads_total{outcome="refused"}') == 2
        household.publish(READINGS)
        daemon.until(lambda: household.read(daemon) == 2 * READINGS, "the rest read")
        assert daemon.leave() == 0


def test_sigusr1_shows_every_thread_and_the_daemon_goes_on(household: Household) -> None:
    household.publish(0)
    with household.daemon() as daemon:
        daemon.until(lambda: household.read(daemon) == READINGS, "everything read")

        daemon.process.send_signal(signal.SIGUSR1)

        daemon.until(lambda: "streamer/engine.py" in daemon.log, "stacks")
        household.publish(READINGS)
        daemon.until(lambda: household.read(daemon) == 2 * READINGS, "the rest read")
        assert daemon.leave() == 0


def test_too_many_bad_readings_stop_it_with_all_of_them_in_the_dead_letters(household: Household) -> None:
    def intolerant(raw: dict[str, Any]) -> None:
        raw["groups"][0]["reject_limits"] = {"max_ratio": 0.5, "over_readings": 100}

    household.rewrite(intolerant)
    write(household.kafka, household.topic, [Row(b"s0", b"{broken", 0)] * 60)

    with household.daemon() as daemon:
        code = daemon.process.wait(60)

    assert code == 7
    assert "Expected at most 50% of the last 100 readings to be refused, got 60" in daemon.log
    assert committed(household.kafka, household.names["kafka.group_id"], household.topic) == {0: 60}
    with reading(household.kafka, household.names["outputs.dead_letters.topic"]) as letters:
        assert [letter["offset"] for letter in letters.read_to_end()] == list(range(60))
