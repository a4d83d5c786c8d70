"""The disk: every call that changes something outside the process, and the one way to put a file in its place."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from connectors.errors import StoreError
from connectors.ports import Buffer

PARTIAL = ".partial"  # ends the name of what a writer has under way, or left behind when it was killed


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


def put_in_place(disk: Disk, path: Path, content: Iterable[Buffer]) -> int:
    """Write a file, whole or not at all, and return when it is durable. -> its bytes.

    The order is the guarantee: the bytes are durable before the name stands for them, and the name is durable before
    anybody hears of it, so a crash between any two lines leaves what was there before or this file.

    Raises:
        OSError: the system refused; what was there before still is.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}{PARTIAL}")
    try:
        size_bytes = _write(disk, partial, content)
        disk.replace(partial, path)
    except OSError:
        with suppress(OSError):
            disk.unlink(partial)
        raise
    sync_directory(disk, path.parent)
    return size_bytes


def _write(disk: Disk, path: Path, content: Iterable[Buffer]) -> int:
    size_bytes = 0
    with disk.open(path) as file:
        for buffer in content:
            block = memoryview(buffer).cast("B")
            disk.write(file, block)
            size_bytes += len(block)
        disk.sync(file.fileno())
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
