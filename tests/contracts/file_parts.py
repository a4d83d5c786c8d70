"""The cases of the file kind: JSON lines in, JSON lines out."""

from pathlib import Path

import pytest

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.files import FileSink
from connectors.ports import Sink, Source
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


def file_source_case(request: pytest.FixtureRequest) -> FileSourceCase:
    return FileSourceCase(request.getfixturevalue("tmp_path") / "machines.jsonl")


def file_sink_case(request: pytest.FixtureRequest) -> FileSinkCase:
    return FileSinkCase(request.getfixturevalue("tmp_path") / "out")
