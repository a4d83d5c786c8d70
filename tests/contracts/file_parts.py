"""The cases of the file kind: JSON lines in, JSON lines out, checkpoints in a directory."""

from pathlib import Path

import pytest

from connectors.columns import TopicPartition
from connectors.directory_store import DirectoryStore
from connectors.encode import Encoder
from connectors.files import FileSink
from connectors.ports import CheckpointStore, Sink, Source
from connectors.replay import ReplayFile, ReplaySource
from tests.contracts.cases import Rows


class FileSourceCase:
    partition = TopicPartition("machines", 0)
    is_durable = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self, rows: Rows) -> None:
        self._path.write_bytes(b"".join(value + b"\n" for _, value in rows))

    def open(self) -> Source:
        file = ReplayFile(path=str(self._path), topic=self.partition.topic, key_field="series")
        return ReplaySource([file], batch_rows=3)


class FileSinkCase:
    keeps_keys = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, encoder: Encoder) -> Sink:
        return FileSink(self._directory, encoder)

    def messages(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        path = self._directory / f"{topic}.jsonl"
        return [(None, line) for line in path.read_bytes().splitlines()] if path.exists() else []


class FileStoreCase:
    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self) -> CheckpointStore:
        return DirectoryStore(self._root)


def file_source_case(request: pytest.FixtureRequest) -> FileSourceCase:
    return FileSourceCase(request.getfixturevalue("tmp_path") / "machines.jsonl")


def file_sink_case(request: pytest.FixtureRequest) -> FileSinkCase:
    return FileSinkCase(request.getfixturevalue("tmp_path") / "out")


def file_store_case(request: pytest.FixtureRequest) -> FileStoreCase:
    return FileStoreCase(request.getfixturevalue("tmp_path") / "state")
