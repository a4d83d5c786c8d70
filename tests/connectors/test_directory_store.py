"""Checkpoints in a directory: whole or not there, whatever fails, and whoever else writes."""

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest
from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.directory_store import DirectoryStore
from connectors.disk import Disk
from connectors.errors import StoreError
from connectors.ports import StateKey
from tests.conftest import unavailable
from tests.connectors.power import PowerCut
from tests.connectors.store_content import KEY, content, loaded, whole


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class FailingDisk(Disk):
    """Refuses one kind of call with an error, as long as it is told to."""

    def __init__(self, call: str, number: int) -> None:
        self.refused = {call}
        self._number = number

    def _pass(self, call: str) -> None:
        if call in self.refused:
            raise OSError(self._number, os.strerror(self._number))

    @override
    def make_directory(self, path: Path) -> None:
        self._pass("make_directory")
        super().make_directory(path)

    @override
    def open(self, path: Path) -> FileIO:
        self._pass("open")
        return super().open(path)

    @override
    def write(self, file: FileIO, block: memoryview) -> None:
        super().write(file, block[: len(block) // 2])
        self._pass("write")
        super().write(file, block[len(block) // 2 :])

    @override
    def sync(self, descriptor: int) -> None:
        self._pass("sync")

    @override
    def replace(self, old: Path, new: Path) -> None:
        self._pass("replace")
        super().replace(old, new)

    @override
    def unlink(self, path: Path) -> None:
        self._pass("unlink")
        super().unlink(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], capture_output=True, check=False)
    if mounted.returncode:
        unavailable(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_checkpoint_lies_where_people_look_for_it(tmp_path: Path) -> None:
    DirectoryStore(tmp_path).publish(StateKey("all/machines", TopicPartition("readings.v2", 3)), 4711, [b"x"])

    assert files(tmp_path) == ["all%2Fmachines/readings.v2-3/00000000000000004711.checkpoint"]


def test_nothing_leaves_the_directory(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "state")

    store.publish(StateKey("..", TopicPartition("../../x", 0)), 1, [b"x"])
    store.publish(StateKey("/etc", TopicPartition("/x", 0)), 1, [b"x"])

    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert len(files(tmp_path / "state")) == 2


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO], ids=errno.errorcode.get
)
@pytest.mark.parametrize("call", ["open", "write", "sync", "replace"])
def test_a_refused_call_is_told_and_leaves_what_was_there(tmp_path: Path, call: str, number: int) -> None:
    DirectoryStore(tmp_path).publish(KEY, 1, content(1))
    disk = FailingDisk(call, number)
    store = DirectoryStore(tmp_path, disk)

    with pytest.raises(StoreError) as told:
        store.publish(KEY, 2, content(2))

    path = tmp_path / "machines/readings-3/00000000000000000002.checkpoint"
    assert str(told.value) == f"{path}: expected to keep a checkpoint, got [Errno {number}] {os.strerror(number)}"
    assert files(tmp_path) == ["machines/readings-3/00000000000000000001.checkpoint"]
    disk.refused.clear()
    store.publish(KEY, 2, content(2))
    assert loaded(store) == {1: whole(1), 2: whole(2)}


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    store = DirectoryStore(tmp_path / "state")

    for call in (
        lambda: store.publish(KEY, 1, content(1)),
        lambda: store.offsets(KEY),
        lambda: store.load(KEY, 1),
        lambda: store.prune(KEY, [1]),
    ):
        with pytest.raises(StoreError, match=r"state/machines/readings-3.*: expected to .*, got .*Not a directory"):
            call()


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, FailingDisk("unlink", errno.EROFS))
    store.publish(KEY, 1, content(1))

    with pytest.raises(StoreError, match=r"1\.checkpoint: expected to remove a checkpoint, got .*Read-only"):
        store.prune(KEY, [1])

    assert loaded(store) == {1: whole(1)}


def test_what_a_killed_writer_left_is_not_listed_and_goes_with_the_next_publish(tmp_path: Path) -> None:
    disk = FailingDisk("write", errno.EIO)
    disk.refused.add("unlink")
    with pytest.raises(StoreError):
        DirectoryStore(tmp_path, disk).publish(KEY, 1, content(1))
    store = DirectoryStore(tmp_path)
    (left,) = files(tmp_path)
    assert (tmp_path / left).stat().st_size > 0

    assert store.offsets(KEY) == []
    store.publish(KEY, 2, content(2))

    assert files(tmp_path) == ["machines/readings-3/00000000000000000002.checkpoint"]


def test_what_people_put_beside_checkpoints_is_left_alone(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.publish(KEY, 1, content(1))
    folder = tmp_path / "machines/readings-3"
    for name in ("notes.txt", "7.checkpoint", "00000000000000000007.checkpoint.old"):
        (folder / name).write_text("mine")

    store.publish(KEY, 2, content(2))

    assert store.offsets(KEY) == [1, 2]
    assert len(files(tmp_path)) == 5


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "state")
    store.publish(KEY, 1, content(1))
    (tmp_path / "state").rename(tmp_path / "moved")

    store.publish(KEY, 2, content(2))

    assert loaded(store) == {2: whole(2)}


def test_a_rival_that_publishes_meanwhile_wins_and_the_other_leaves_nothing(tmp_path: Path) -> None:
    store, rival = DirectoryStore(tmp_path), DirectoryStore(tmp_path)

    def interrupted() -> Iterator[bytes]:
        yield b"half"
        rival.publish(KEY, 5, content(5))
        rival.prune(KEY, [1])
        yield b"rest"

    store.publish(KEY, 1, content(1))
    with pytest.raises(StoreError, match="No such file"):
        store.publish(KEY, 4, interrupted())

    assert files(tmp_path) == ["machines/readings-3/00000000000000000005.checkpoint"]
    assert loaded(store) == {5: whole(5)}


def test_a_rival_that_was_killed_meanwhile_is_not_taken_for_a_whole_checkpoint(tmp_path: Path) -> None:
    store, rival = DirectoryStore(tmp_path), DirectoryStore(tmp_path)

    def killed() -> Iterator[bytes]:
        yield b"half"
        raise PowerCut

    def interrupted() -> Iterator[bytes]:
        yield b"half"
        with pytest.raises(PowerCut):
            rival.publish(KEY, 4, killed())
        yield b"rest"

    with pytest.raises(StoreError, match="No such file"):
        store.publish(KEY, 4, interrupted())

    assert store.offsets(KEY) == []


def test_a_full_disk_keeps_what_it_has_and_takes_what_fits_again(small_disk: Path) -> None:
    store = DirectoryStore(small_disk / "state")
    store.publish(KEY, 1, [bytes(100_000)] * 10)
    free = os.statvfs(small_disk).f_bfree

    with pytest.raises(StoreError, match=r"2\.checkpoint: expected to keep a checkpoint, got .*No space left"):
        store.publish(KEY, 2, [bytes(100_000)] * 30)

    assert os.statvfs(small_disk).f_bfree == free
    assert loaded(store) == {1: bytes(1_000_000)}
    store.publish(KEY, 3, [bytes(100_000)])
    assert store.offsets(KEY) == [1, 3]


def test_a_disk_that_turned_read_only_still_gives_what_it_has(small_disk: Path) -> None:
    store = DirectoryStore(small_disk)
    store.publish(KEY, 1, content(1))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    with pytest.raises(StoreError, match="Read-only file system"):
        store.publish(KEY, 2, content(2))

    assert loaded(store) == {1: whole(1)}


def test_a_file_that_grows_beyond_its_limit_is_not_kept(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.publish(KEY, 1, content(1))
    limit, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, hard))
    try:
        with pytest.raises(StoreError, match="File too large"):
            store.publish(KEY, 2, [bytes(100_000)] * 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

    assert files(tmp_path) == ["machines/readings-3/00000000000000000001.checkpoint"]
