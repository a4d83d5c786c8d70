"""Checkpoints as files in a directory, local or shared by several processes."""

import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from urllib.parse import quote

from typing_extensions import override

from connectors.errors import StoreError
from connectors.ports import Buffer, CheckpointStore, StateKey

SUFFIX = ".checkpoint"
_PARTIAL = ".partial"  # what a writer has under way, or left behind when it was killed
_WHOLE = re.compile(rf"(\d{{20,}}){re.escape(SUFFIX)}")
_NAME_BYTES = 200  # file systems take 255, and a partition's number is to follow


class Disk:
    """Every call that leaves the process to change something, so that a test can cut the power at each of them."""

    def make_directory(self, path: Path) -> None:
        """Make a directory and those above it, where they are not there."""
        path.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path) -> FileIO:
        """Create a file to write to, which must not be there."""
        return FileIO(path, "x")

    def write(self, file: FileIO, block: memoryview) -> None:
        """Write every byte: a raw file may take only some of them at a time."""
        while block:
            block = block[file.write(block) :]

    def sync(self, descriptor: int) -> None:
        """Return when a file's bytes, or a directory's names, are durable."""
        os.fsync(descriptor)

    def replace(self, old: Path, new: Path) -> None:
        """Give a file another name at once, in place of what has it."""
        old.replace(new)

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)


class DirectoryStore(CheckpointStore):
    """Keeps ``<root>/<group>/<topic>-<partition>/<next offset>.checkpoint``, names quoted as in a URL.

    A checkpoint gets its name when its bytes are durable, so a name stands for a whole one. Processes may share the
    directory: one that publishes removes what others of the same partition have under way, as only its owner should
    write, and theirs then fails and leaves nothing.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk = disk or Disk()
        self._made: set[Path] = set()  # folders whose own names are durable

    @override
    def publish(self, key: StateKey, next_offset: int, content: Iterable[Buffer]) -> int:
        """Keep a checkpoint, whole or not at all, and return when it is durable. -> its bytes.

        The order is the guarantee: the bytes are durable before the name stands for them, and the name is durable
        before anybody hears of it, so a crash between any two lines leaves the checkpoints before it or this one too.
        """
        path = self._path(key, next_offset)
        partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}{_PARTIAL}")
        with told(path, "keep a checkpoint"):
            self._make(path.parent)
            self._sweep(path.parent)
            try:
                size_bytes = self._write(partial, content)
                self._disk.replace(partial, path)
            except OSError:
                with suppress(OSError):
                    self._disk.unlink(partial)
                raise
            sync_directory(self._disk, path.parent)
        return size_bytes

    @override
    def offsets(self, key: StateKey) -> list[int]:
        folder = self._path(key, 0).parent
        with told(folder, "list checkpoints"):
            names = _names(folder)
        return sorted(int(whole[1]) for whole in map(_WHOLE.fullmatch, names) if whole)

    @override
    def load(self, key: StateKey, next_offset: int) -> Buffer:
        path = self._path(key, next_offset)
        # Not mapped: a disk that fails under a map ends the process without a word.
        with told(path, "read a checkpoint"):
            return path.read_bytes()

    @override
    def prune(self, key: StateKey, next_offsets: Collection[int]) -> None:
        for next_offset in next_offsets:
            path = self._path(key, next_offset)
            with told(path, "remove a checkpoint"):
                self._disk.unlink(path)
        folder = self._path(key, 0).parent
        with told(folder, "remove checkpoints"):
            if next_offsets and folder.exists():
                sync_directory(self._disk, folder)

    def _path(self, key: StateKey, next_offset: int) -> Path:
        topic, partition = key.topic_partition
        name = _file_name(topic)
        return self._root / _file_name(key.group) / f"{name}-{partition}" / f"{next_offset:020d}{SUFFIX}"

    def _make(self, folder: Path) -> None:
        """Make the folder and its name durable, with those above it: who made them may have been killed at once."""
        if folder in self._made and folder.exists():
            return
        self._disk.make_directory(folder)
        file_system = folder.stat().st_dev
        for parent in folder.parents:
            if parent.stat().st_dev != file_system:
                break
            with suppress(PermissionError):  # one that we may not read is none that we made
                sync_directory(self._disk, parent)
        self._made.add(folder)

    def _sweep(self, folder: Path) -> None:
        for name in _names(folder):
            if name.endswith(_PARTIAL):
                self._disk.unlink(folder / name)

    def _write(self, path: Path, content: Iterable[Buffer]) -> int:
        size_bytes = 0
        with self._disk.open(path) as file:
            for buffer in content:
                block = memoryview(buffer).cast("B")
                self._disk.write(file, block)
                size_bytes += len(block)
            self._disk.sync(file.fileno())
        return size_bytes


def sync_directory(disk: Disk, directory: Path) -> None:
    """Return when the names in a directory are durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def told(path: Path, tried: str) -> Iterator[None]:
    """Say of what the system refuses where it was, and what was tried."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: expected to {tried}, got {error}") from error


def _names(folder: Path) -> list[str]:
    """What is in a folder; nothing in one that is not there."""
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def _file_name(name: str) -> str:
    """A name that any file system takes, another one for each name.

    Plain ones stay readable. What is too long ends in a fingerprint behind a tilde, which quoted names do not have.
    """
    quoted = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    if quoted.startswith("."):
        quoted = quoted.replace(".", "%2E", 1)
    if len(quoted) <= _NAME_BYTES:
        return quoted or "~"
    return f"{quoted[: _NAME_BYTES // 2]}~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
