"""A finite source: data files, each the only partition of its topic."""

import itertools
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.errors import ConfigError
from connectors.formats import Format, JsonArrayFormat, JsonFormat
from connectors.ports import Assigned, Ended, Event, Source, Topic
from connectors.row_files import KeyedRow, ReplayFile, is_json_lines, read_rows

__all__ = ["ReplayFile", "ReplaySource", "read_rows"]


class ReplaySource(Source):
    """Delivers every row of every file as one record, at most ``batch_rows`` a poll, the files taking turns.

    Partition 0 of a file's topic holds its rows, the offset being the number of the row. A topic has one file: two
    would have to share a partition, and a partition has one order. Offsets that are committed last as long as the
    source. Files are streamed; going back opens the file anew and passes over the rows before.

    Raises:
        ConfigError: two files have one topic, or a file cannot be read.
    """

    def __init__(self, files: Sequence[ReplayFile], batch_rows: int = 5_000) -> None:
        self._files = {TopicPartition(file.topic, 0): file for file in files}
        if not files or len(self._files) != len(files):
            raise ConfigError(f"replay: expected one file a topic, got the topics {[file.topic for file in files]}")
        self._batch_rows = batch_rows
        self._rows: dict[TopicPartition, Iterator[KeyedRow]] = {}  # of those that `seek` has placed
        self._next_offset = dict.fromkeys(self._files, 0)
        self._turns = deque(self._files)  # those with rows left, the next one first
        self._paused: set[TopicPartition] = set()
        self._committed: dict[TopicPartition, int] = {}
        self._events: list[Event | Records] = [Assigned(tuple(self._files))]
        self._is_ended = False
        for file in files:
            read_rows(file)  # refuses one that is not there

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        if self._events:
            events, self._events = self._events, []
            return events
        for _ in range(len(self._turns)):
            partition = self._turns[0]
            if partition in self._paused or partition not in self._rows:
                self._turns.rotate(-1)
                continue
            rows = list(itertools.islice(self._rows[partition], self._batch_rows))
            if rows:
                self._turns.rotate(-1)
                return [self._records(partition, rows)]
            self._turns.popleft()
        if self._turns or self._is_ended:
            return []
        self._is_ended = True
        return [Ended()]

    @override
    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.update(partitions)

    @override
    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.difference_update(partitions)

    @override
    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._rows[partition] = itertools.islice(read_rows(self._files[partition]), offset, None)
        self._next_offset[partition] = offset
        self._is_ended = False
        if partition not in self._turns:
            self._turns.append(partition)

    @override
    def committed(self, partition: TopicPartition) -> int | None:
        return self._committed.get(partition)

    @override
    def first_offset(self, partition: TopicPartition) -> int:
        return 0

    @override
    def oldest_offset(self, partition: TopicPartition) -> int:
        return 0

    @override
    def topic(self, name: str) -> Topic:
        return Topic("", 1)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        self._committed.update(next_offsets)

    @override
    def lag(self, partition: TopicPartition) -> int | None:
        return None if partition in self._turns else 0

    @override
    def close(self) -> None:
        self._rows.clear()
        self._turns.clear()
        self._events.clear()
        self._is_ended = True

    def _records(self, partition: TopicPartition, rows: list[KeyedRow]) -> Records:
        first = self._next_offset[partition]
        self._next_offset[partition] = first + len(rows)
        return Records(
            partition,
            np.arange(first, first + len(rows)),
            np.full(len(rows), -1, dtype=np.int64),
            [key for key, _ in rows],
            [value for _, value in rows],
            [()] * len(rows),
        )


def rows_as(layout: Format, paths: Iterable[str]) -> Format:
    """How the rows of these files are laid out, where ``layout`` is that of the records of topics.

    Rows of CSV and Parquet come as JSON objects, whatever records are; lines of JSON come as they are.
    """
    are_lines = all(is_json_lines(Path(path)) for path in paths)
    if isinstance(layout, JsonFormat) or (isinstance(layout, JsonArrayFormat) and are_lines):
        return layout
    return JsonFormat(**{name: getattr(layout, name) for name in JsonFormat.__struct_fields__})
