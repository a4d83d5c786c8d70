"""Checkpoints as files in a directory, local or shared by several processes."""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from typing_extensions import override

from connectors.disk import PARTIAL, Disk, put_in_place, sync_directory, told
from connectors.ports import Buffer, CheckpointStore, StateKey

SUFFIX = ".checkpoint"
_WHOLE = re.compile(rf"(\d{{20,}}){re.escape(SUFFIX)}")
_NAME_BYTES = 200  # file systems take 255, and a partition's number is to follow


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
        path = self._path(key, next_offset)
        with told(path, "keep a checkpoint"):
            self._make(path.parent)
            self._sweep(path.parent)
            return put_in_place(self._disk, path, content)

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
            if name.endswith(PARTIAL):
                self._disk.unlink(folder / name)


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
