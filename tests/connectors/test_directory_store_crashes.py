"""Checkpoints in a directory after the power went, or the process was killed, at any call or in the middle of one."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import product
from pathlib import Path

import pytest

from connectors.directory_store import DirectoryStore
from tests.connectors.power import CutDisk, PowerCut
from tests.connectors.store_content import KEY, content, loaded, whole


def test_a_power_cut_at_any_call_leaves_whole_checkpoints_and_all_that_were_told(tmp_path: Path) -> None:
    """For every call, before and after it, with names that the system had synced by itself and without."""
    for cut, is_done, has_new_names in product(range(calls_uncut(tmp_path)), (False, True), (False, True)):
        with a_disk(tmp_path, cut, is_done) as (disk, base):
            told = publish_and_prune(disk, base)
            disk.copy_what_is_left(base / "left", has_new_names=has_new_names)

        left = loaded(DirectoryStore(base / "left/above/state"))
        assert told <= left.keys() <= {1, 2, 3}
        assert left == {next_offset: whole(next_offset) for next_offset in left}


def test_what_was_forgotten_does_not_come_back_when_the_power_does(tmp_path: Path) -> None:
    with a_disk(tmp_path, sys.maxsize, is_done=True) as (disk, base):
        store = DirectoryStore(base / "disk/above/state", disk)
        for next_offset in (1, 2):
            store.publish(KEY, next_offset, content(next_offset))

        store.prune(KEY, [1])
        disk.copy_what_is_left(base / "left", has_new_names=False)

    assert loaded(DirectoryStore(base / "left/above/state")).keys() == {2}


def test_what_a_killed_process_did_not_make_durable_the_next_one_does(tmp_path: Path) -> None:
    """A kill at every call, and once all is published anew, a power cut."""
    for cut, is_done in product(range(calls_uncut(tmp_path)), (False, True)):
        with a_disk(tmp_path, cut, is_done) as (disk, base):
            publish_and_prune(disk, base)
            disk.go_on()
            told = publish_and_prune(disk, base)
            disk.copy_what_is_left(base / "left", has_new_names=False)

        left = loaded(DirectoryStore(base / "left/above/state"))
        assert told == {2, 3}
        assert {next_offset: left[next_offset] for next_offset in told} == {2: whole(2), 3: whole(3)}


@pytest.mark.parametrize("seed", range(3))
def test_after_kills_in_the_middle_of_writing_every_checkpoint_listed_is_whole(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, str(Path(__file__).with_name("store_kills.py")), str(tmp_path), str(seed)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)

    assert done.returncode == 0, done.stderr
    assert "20 kills" in done.stdout


@contextmanager
def a_disk(directory: Path, cut: int, is_done: bool) -> Iterator[tuple[CutDisk, Path]]:
    base = Path(tempfile.mkdtemp(dir=directory))
    (base / "disk").mkdir()
    with closing(CutDisk(base / "disk", cut, is_done)) as disk:
        yield disk, base


def calls_uncut(directory: Path) -> int:
    with a_disk(directory, sys.maxsize, is_done=True) as (disk, base):
        told = publish_and_prune(disk, base)
        assert told == {2, 3}
        return disk.calls


def publish_and_prune(disk: CutDisk, base: Path) -> set[int]:
    """Publish 1, 2 and 3, and prune 1, as far as the disk goes along. -> what was said to be kept."""
    store = DirectoryStore(base / "disk/above/state", disk)
    told: set[int] = set()
    with suppress(PowerCut):
        for next_offset in (1, 2, 3):
            store.publish(KEY, next_offset, content(next_offset))
            told.add(next_offset)
            if next_offset == 2:
                told.remove(1)
                store.prune(KEY, [1])
    return told
