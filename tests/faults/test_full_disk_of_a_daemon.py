"""A disk that is full costs checkpoints and nothing else, also where the daemon is killed meanwhile."""

import os
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
from typing_extensions import override

from tests.conftest import unavailable
from tests.faults.fleet import Member
from tests.faults.stage import Stage
from tests.faults.trial import Load, Outcome, Trial
from tests.faults.undisturbed import OUTPUTS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
DISK_BYTES = 4 << 20
QUOTA_BYTES = 16 << 10  # of a file: more than the log has, less than a checkpoint of some series
FAILED = re.compile(r'^streamer_checkpoint_failures_total\{action="save"\} (\S+)$', re.MULTILINE)


class Disk(Protocol):
    """Where checkpoints go."""

    folder: Path

    def fill(self, process: int) -> None:
        """Leave no room for the checkpoints of this process."""

    def free(self, process: int) -> None:
        """Give it room."""


class Quota(Disk):
    """Files may only be so large."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @override
    def fill(self, process: int) -> None:
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (QUOTA_BYTES, most))

    @override
    def free(self, process: int) -> None:
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


class SmallDisk(Disk):
    """A file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    @override
    def fill(self, process: int) -> None:
        with suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    @override
    def free(self, process: int) -> None:
        self._filler.unlink()


@pytest.fixture(scope="module", params=[Quota, pytest.param(SmallDisk, marks=pytest.mark.faults)])
def disk(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Disk]:
    folder: Path = tmp_path_factory.mktemp("disk")
    if request.param is Quota:
        yield Quota(folder)
        return
    if os.geteuid() != 0:
        unavailable("only root may mount a file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    yield SmallDisk(folder)
    subprocess.run(["umount", folder], check=True)


def failures(member: Member) -> float:
    """Checkpoints that it could not write, in this life."""
    counted = FAILED.search(member.ask("/metrics"))
    return float(counted[1]) if counted else 0.0


def newest(disk: Disk) -> int:
    """The next offset of the newest checkpoint of all partitions."""
    return max((int(path.stem) for path in disk.folder.rglob("*.checkpoint")), default=-1)


class Story(NamedTuple):
    """What was there when the disk was full, and at the end."""

    restored_offsets: list[int]  # by the one that came while it was full
    newest_when_full: int
    newest_when_free: int
    outcome: Outcome


@pytest.fixture(scope="module")
def story(kafka: str, disk: Disk, tmp_path_factory: Any) -> Story:
    """The disk is full in the middle of the work of a daemon, also of the one after it, and then free again."""
    folder = tmp_path_factory.mktemp("full")
    stage = Stage(kafka, folder)
    stage.variables["CHECKPOINTS"] = str(disk.folder)
    with Trial(stage, folder, Load(parts=4)) as trial:
        [member] = trial.fleet.members
        with trial.flowing():
            pass
        trial.fleet.until(lambda: newest(disk) > 0, "a checkpoint of some readings")
        for _ in range(2):
            disk.fill(member.process)
            with trial.flowing():
                trial.fleet.until(lambda: failures(member) > 0, "a checkpoint fails")
            trial.catch_up()
            when_full = newest(disk)
            member.kill()
            member.start()
        trial.fleet.until_ready()
        disk.free(member.process)
        with trial.flowing():
            pass
        trial.fleet.until(lambda: newest(disk) > when_full, "a checkpoint is written again")
        return Story(restored_offsets(member), when_full, newest(disk), trial.finish())


def restored_offsets(member: Member) -> list[int]:
    return [int(offset) for offset in re.findall(r"restored at offset (\d+)", member.log)]


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(story: Story, output: str) -> None:
    assert story.outcome.outputs[output].expected
    assert story.outcome.outputs[output].faults == []


def test_those_that_come_while_it_is_full_go_on_from_the_last_good_checkpoint(story: Story) -> None:
    assert max(story.restored_offsets) == story.newest_when_full


def test_nobody_ends_for_want_of_a_checkpoint(story: Story) -> None:
    assert story.outcome.own_exits == []
    assert story.outcome.last_exits == [0]
    assert story.newest_when_free > story.newest_when_full
