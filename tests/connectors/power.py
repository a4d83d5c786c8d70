"""A disk whose power goes at a chosen call, and what it holds when the power is back."""

import os
import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from connectors.disk import Disk

T = TypeVar("T")


class PowerCut(BaseException):
    """Nothing runs after it: not what catches an `Exception`, nor what tidies up."""


class CutDisk(Disk):
    """Counts its calls, and from the ``cut``-th on, before or after it is done, makes no more of them.

    It remembers what was synced: bytes by file, names by directory. ``start`` was there, empty and durable, before.
    """

    def __init__(self, start: Path, cut: int, is_done: bool) -> None:
        self._start = start
        self._cut = cut
        self._is_done = is_done
        self.calls = 0
        self._bytes: dict[int, bytes] = {}  # by inode
        self._names: dict[Path, dict[str, tuple[int, bool]]] = {}  # inode, is a directory
        self._held: list[FileIO] = []  # open still, so that no inode is given out twice

    def close(self) -> None:
        for file in self._held:
            file.close()

    def copy_what_is_left(self, target: Path, *, has_new_names: bool) -> None:
        """Write what is there after the cut: the bytes that were synced, under the names synced last or the newest."""
        self._copy(self._start, target, has_new_names)

    def go_on(self) -> None:
        """Cut no more: it was the process that ended, not the power."""
        self._cut = sys.maxsize

    @override
    def make_directory(self, path: Path) -> None:
        self._call(lambda: Disk.make_directory(self, path))

    @override
    def open(self, path: Path) -> FileIO:
        return self._call(lambda: self._hold(Disk.open(self, path)))

    @override
    def write(self, file: FileIO, block: memoryview) -> None:
        self._call(lambda: Disk.write(self, file, block))

    @override
    def sync(self, descriptor: int) -> None:
        self._call(lambda: self._remember(descriptor))

    @override
    def replace(self, old: Path, new: Path) -> None:
        self._call(lambda: Disk.replace(self, old, new))

    @override
    def unlink(self, path: Path) -> None:
        self._call(lambda: Disk.unlink(self, path))

    def _call(self, do: Callable[[], T]) -> T:
        number, self.calls = self.calls, self.calls + 1
        if number > self._cut or (number == self._cut and not self._is_done):
            raise PowerCut
        done = do()
        if number == self._cut:
            raise PowerCut
        return done

    def _hold(self, file: FileIO) -> FileIO:
        self._held += [file, FileIO(os.dup(file.fileno()))]
        return file

    def _remember(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not path.is_relative_to(self._start):
            return
        if path.is_dir():
            self._names[path] = _entries(path)
        else:
            self._bytes[path.stat().st_ino] = path.read_bytes()

    def _copy(self, path: Path, target: Path, has_new_names: bool) -> None:
        target.mkdir()
        names = _entries(path) if has_new_names else self._names.get(path, {})
        for name, (inode, is_directory) in names.items():
            if is_directory:
                self._copy(path / name, target / name, has_new_names)
            else:
                (target / name).write_bytes(self._bytes.get(inode, b""))


def _entries(path: Path) -> dict[str, tuple[int, bool]]:
    return {entry.name: (entry.stat().st_ino, entry.is_dir()) for entry in path.iterdir()}
