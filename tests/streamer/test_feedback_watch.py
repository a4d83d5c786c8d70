"""What people say of alarms while the daemon runs: taken up at barriers, kept in the state, and given up again."""

import itertools
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.columns import Alarms
from connectors.errors import ConfigError
from connectors.kafka_options import KafkaOptions
from connectors.memory import MemorySink, MemorySource
from connectors.ports import Assigned, StateKey
from connectors.verdicts import Verdicts
from streamer.checkpoint import decode
from streamer.config import Config, KafkaSource
from streamer.feedback_watch import FeedbackWatch
from streamer.wiring import assemble, in_memory, make_groups, make_metrics
from tests.connectors.verdict_samples import verdict_of
from tests.faults.world import Inline
from tests.streamer.rig import CONFIG, FIRST, SECOND, Rig, batch

KEY = StateKey("pumps", FIRST)
CALM = [50.0, 50.3, 49.8, 50.1, 49.9, 50.2, 49.7, 50.4] * 5
FAR = [*CALM, 500.0, *CALM[:9]]  # a reading far out, and calm again
SCRIPT = [Assigned((FIRST,)), batch(FIRST, 0, FAR), batch(FIRST, len(FAR), FAR)]
STANDING = 'streamer_feedback_verdicts{group="pumps",verdict="false"}'


def settings(folder: Path) -> Config:
    """The rig's configuration with a place for verdicts, and a budget that a reading far out exceeds."""
    alarm = msgspec.structs.replace(CONFIG.groups[0].alarm, readings_per_alarm=50.0)
    group = msgspec.structs.replace(CONFIG.groups[0], alarm=alarm)
    return msgspec.structs.replace(CONFIG, groups=[group], feedback=str(folder))


class Ears:
    """A rig, and the watch on what is said of its alarms."""

    def __init__(self, folder: Path, crashed: Rig | None = None, script: list[Any] | None = None) -> None:
        parts: dict[str, Any] = {}
        if crashed is not None:
            parts = {"committed": crashed.committed, "contents": crashed.contents}
        self.rig = Rig(list(script or SCRIPT), settings=settings(folder), **parts)
        self.verdicts = Verdicts(folder)
        self.watch = FeedbackWatch(
            self.verdicts, self.rig.groups, self.rig.metrics, self.rig.clock, Inline(), look_seconds=0.0
        )

    def turn(self, times: int = 1) -> "Ears":
        self.rig.turn(times)
        return self

    def hear(self) -> "Ears":
        """Look, and pass the barriers of all partitions."""
        for _ in range(2):
            self.watch.tick()
        for _ in self.rig.tenancy.tenures:
            self.rig.tenancy.tick()
        return self

    def opened(self) -> list[int]:
        """The readings that opened a spike."""
        return [
            int(offset)
            for alarms in self.rig.written(Alarms)
            for kind, event, offset in zip(alarms.kind, alarms.event, alarms.results.readings.offset, strict=True)
            if (kind, event) == ("spike", "opened")
        ]

    def raised(self) -> list[float]:
        """The factors by which the choices in force raise lines, by partition."""
        partitions = (tenure.partition for tenure in self.rig.tenancy.tenures.values())
        return [one.factor for partition in partitions for one in partition.judge.choices.tolerances]


def test_what_was_called_false_calls_nobody_again_and_without_the_word_it_does(tmp_path: Path) -> None:
    told, untold = Ears(tmp_path / "told").turn(2), Ears(tmp_path / "untold").turn(2)

    told.verdicts.put(verdict_of(peak_ratio=4.0))
    for ears in (told, untold):
        ears.hear().turn()

    assert untold.opened()[:1] == told.opened() == [len(CALM)]
    assert len(FAR) + len(CALM) in untold.opened()
    assert told.rig.metric(STANDING) == 1


def test_the_record_of_an_alarm_tells_by_how_much_its_line_was_raised(tmp_path: Path) -> None:
    ears = Ears(tmp_path)
    ears.verdicts.put(verdict_of(peak_ratio=1.01, timestamp_ns=2_000_000_000_000_000_000))
    plain, raised = (ears_of.turn(2).rig.written(Alarms)[0] for ears_of in (Ears(tmp_path / "none"), ears.hear()))

    assert (plain.tolerance[0], raised.tolerance[0]) == (1, pytest.approx(1.111))
    assert raised.peak_score[0] * raised.tolerance[0] == pytest.approx(plain.peak_score[0], rel=1e-5)


def test_the_checkpoint_that_names_the_word_is_there_before_the_partition_goes_on_by_it(tmp_path: Path) -> None:
    ears = Ears(tmp_path).turn(2)

    ears.verdicts.put(verdict_of(peak_ratio=4.0))
    ears.hear()

    newest = max(ears.rig.contents[KEY])
    assert newest == len(FAR)
    saved = decode(ears.rig.contents[KEY][newest], "newest").settings["tolerances"]
    assert [(one["series"], one["kind"]) for one in saved] == [("a", "spike")]


def test_a_crash_behind_the_barrier_is_gone_on_from_by_the_word(tmp_path: Path) -> None:
    undisturbed, crashed = (Ears(tmp_path).turn(2) for _ in range(2))
    undisturbed.verdicts.put(verdict_of(peak_ratio=4.0))
    undisturbed.hear().turn()
    crashed.hear()

    again = Ears(tmp_path, crashed.rig).turn(4)

    assert crashed.rig.scores() | again.rig.scores() == undisturbed.rig.scores()
    assert again.raised() == undisturbed.raised() != []


def test_what_others_were_told_of_is_stepped_again_by_the_word_it_was_told_by(tmp_path: Path) -> None:
    crashed = Ears(tmp_path).turn(2)
    crashed.verdicts.put(verdict_of(peak_ratio=4.0)).unlink()
    crashed.turn()
    crashed.verdicts.put(verdict_of(peak_ratio=4.0))

    again = Ears(tmp_path, crashed.rig).turn(1)
    restored = again.raised()
    again.turn(3)

    assert restored == []
    assert again.raised() == [pytest.approx(4.4)]
    assert again.rig.scores() == {}


def test_a_word_that_is_taken_back_is_given_up_at_the_next_barrier(tmp_path: Path) -> None:
    ears = Ears(tmp_path).turn(2)
    path = ears.verdicts.put(verdict_of(peak_ratio=4.0))
    ears.hear()
    before = ears.raised()

    path.unlink()
    ears.hear()

    assert before == [pytest.approx(4.4)]
    assert ears.raised() == []
    assert ears.rig.metric(STANDING) == 0


def test_a_daemon_takes_a_word_up_at_once_when_it_is_to_read_everything_again(tmp_path: Path) -> None:
    kafka = KafkaOptions(bootstrap_servers="nowhere:1", group_id="g", start="earliest")
    config = msgspec.structs.replace(settings(tmp_path), source=KafkaSource(), kafka=kafka)
    metrics = make_metrics(config)
    groups = make_groups(config, metrics, lambda: 0.0)
    parts = in_memory(MemorySource([Assigned((FIRST,))], {}), MemorySink())
    daemon = assemble(config, parts, groups, metrics, clock=lambda: 0.0)
    turns, deadline = itertools.count(), time.monotonic() + 60
    daemon.turn_until(lambda: next(turns) == 3)

    Verdicts(tmp_path).put(verdict_of(peak_ratio=4.0))
    daemon.reload(lambda: config)
    daemon.turn_until(lambda: groups[0].judges.choices.tolerances != [] or time.monotonic() > deadline)
    daemon.leave()

    assert [one.factor for one in groups[0].judges.choices.tolerances] == [pytest.approx(4.4)]


def test_every_partition_of_the_group_takes_the_word_up(tmp_path: Path) -> None:
    ears = Ears(tmp_path, script=[Assigned((FIRST, SECOND))]).turn(3)

    ears.verdicts.put(verdict_of(peak_ratio=4.0))
    ears.hear()

    assert ears.raised() == [pytest.approx(4.4)] * 2


def test_a_configuration_that_is_read_again_keeps_what_was_said(tmp_path: Path) -> None:
    ears = Ears(tmp_path).turn(2)
    ears.verdicts.put(verdict_of(peak_ratio=4.0))
    ears.hear()

    ears.rig.tenancy.reload({"pumps": msgspec.structs.replace(CONFIG.groups[0], band_coverage=0.5).choices})
    ears.rig.tenancy.tick()

    assert ears.raised() == [pytest.approx(4.4)]
    assert ears.rig.tenancy.tenures[FIRST].partition.judge.choices.band_coverage == 0.5


def test_a_directory_that_cannot_be_read_leaves_the_lines_as_they_are_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ears = Ears(tmp_path).turn(2)
    ears.verdicts.put(verdict_of(peak_ratio=4.0))
    ears.hear()
    (tmp_path / "b2.json").write_text("{")

    for _ in range(2):
        ears.hear()

    assert ears.raised() == [pytest.approx(4.4)]
    told = [record.getMessage() for record in caplog.records if "b2.json" in record.getMessage()]
    assert len(told) == 1
    assert told[0].endswith("; lines stay as they are")


def test_nothing_begins_by_verdicts_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "b2.json").write_text("{")
    config = settings(tmp_path)

    with pytest.raises(ConfigError, match=r"feedback: .*b2\.json: expected a verdict"):
        make_groups(config, make_metrics(config), lambda: 0.0)


def test_judges_that_only_differ_in_what_was_said_share_their_weights_and_do_not_pile_up(tmp_path: Path) -> None:
    ears = Ears(tmp_path).turn(2)
    judges, partition = ears.rig.groups[0].judges, ears.rig.tenancy.tenures[FIRST].partition
    detector = partition.judge.detector

    for at in range(5):
        ears.verdicts.put(verdict_of(f"a{at}", peak_ratio=2.0 + at))
        ears.hear()

    assert partition.judge.detector is detector
    assert len(judges._made) == 2  # noqa: SLF001  # what a process that runs for years must not gather
