"""Outputs in files: one line a message, one file a topic."""

import os
from io import FileIO
from pathlib import Path

from typing_extensions import override

from connectors.encode import Encoder
from connectors.errors import TransientError
from connectors.ports import Columns, Sink

_TAIL_BYTES = 65_536


class FileSink(Sink):
    """Appends the values of messages to ``<directory>/<topic>.jsonl``; keys stand in the values already.

    A line that an earlier process left torn was never flushed: it is cut off before anything is appended.
    """

    def __init__(self, directory: Path, encoder: Encoder) -> None:
        self._directory = directory
        self._encoder = encoder
        self._files: dict[str, FileIO] = {}
        self._pending: dict[str, list[bytes]] = {}

    @override
    def write(self, columns: Columns) -> None:
        for message in self._encoder.encode(columns):
            self._pending.setdefault(message.topic, []).append(message.value)

    @override
    def flush(self) -> None:
        for topic in list(self._pending):
            try:
                file = self._files.get(topic) or self._open(topic)
                _write_all(file, b"\n".join(self._pending[topic]) + b"\n")
                os.fsync(file.fileno())
            except OSError as error:
                self._forget(topic)
                raise TransientError(f"{self._path(topic)}: expected to append and sync, got {error}") from error
            del self._pending[topic]

    @override
    def close(self) -> None:
        self._pending.clear()
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _path(self, topic: str) -> Path:
        return self._directory / f"{topic}.jsonl"

    def _forget(self, topic: str) -> None:
        """Let the next flush open the file anew, which cuts off a line torn by this one."""
        file = self._files.pop(topic, None)
        if file is not None:
            file.close()

    def _open(self, topic: str) -> FileIO:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = FileIO(self._path(topic), "a+")
        file.truncate(_end_of_whole_lines(file))
        _sync_directory(self._directory)
        self._files[topic] = file
        return file


def _write_all(file: FileIO, text: bytes) -> None:
    """Write every byte: a raw file may take only some of them at a time."""
    rest = memoryview(text)
    while rest:
        rest = rest[file.write(rest) :]


def _end_of_whole_lines(file: FileIO) -> int:
    """The position behind the last line end."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        file.seek(start)
        line_end = file.read(end - start).rfind(b"\n")
        if line_end >= 0:
            return start + line_end + 1
        end = start
    return 0


def _sync_directory(directory: Path) -> None:
    """Make the name of a new file durable too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
