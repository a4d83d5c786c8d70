"""Labels: which readings belong to an event, said by windows of time or by a field of the data."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from connectors.columns import Bool, Int64
from connectors.errors import ConfigError
from connectors.row_files import ReplayFile, read_rows
from connectors.timestamps import parse_iso8601
from streamer.backtest.recorder import History

COLUMNS = ("series", "start", "end")
NO, YES = frozenset({"", "0", "false", "no", "normal"}), frozenset({"1", "true", "yes", "anomaly"})

Labels = Callable[[History], Bool]
"""Says of each reading of a series whether it belongs to an event. -> (N,)."""


def labels_of(files: Sequence[ReplayFile], windows: Path | None, field: str | None) -> Labels:
    """The labels by windows, by a field, or none.

    Raises:
        ConfigError: both are given, or what is given cannot be read.
    """
    if windows is not None and field is not None:
        raise ConfigError("backtest: Expected --labels or --label-field, got both")
    if windows is not None:
        return by_windows(windows)
    return unlabelled if field is None else by_field(files, field)


def unlabelled(history: History) -> Bool:
    """Nobody has said where the events are."""
    return np.zeros(len(history), dtype=bool)


def by_windows(path: Path) -> Labels:
    """Windows of time, both ends included: a CSV file with the columns `COLUMNS`, times in ISO 8601.

    Raises:
        ConfigError: the file is not there, has other columns, or a time cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
            header = rows[0].keys() if rows else COLUMNS
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: Expected a CSV file of labels, got: {error}") from error
    if not set(COLUMNS) <= set(header):
        raise ConfigError(f"{path}: Expected the columns {', '.join(COLUMNS)}, got {', '.join(map(str, header))}")
    series = np.array([row["series"] for row in rows], dtype=object)
    starts, ends = (_times(path, [row[name] or "" for row in rows]) for name in ("start", "end"))
    for line in np.flatnonzero(ends < starts)[:1].tolist():
        raise ConfigError(f"{path}: line {line + 2}: Expected an end after the start, got {rows[line]['end']!r}")

    def labels(history: History) -> Bool:
        own = series == history.series
        first = np.searchsorted(history.timestamp, starts[own], side="left")
        last = np.searchsorted(history.timestamp, ends[own], side="right")
        turns = np.zeros(len(history) + 1, dtype=np.int64)
        np.add.at(turns, first, 1)
        np.add.at(turns, last, -1)
        return np.cumsum(turns)[:-1] > 0

    return labels


def by_field(files: Sequence[ReplayFile], name: str) -> Labels:
    """A field of the data that is 1 or true at the readings of an event.

    Raises:
        ConfigError: a file has no such field, or something else in it.
    """
    marked = {file.topic: _marked(file, name) for file in files}

    def labels(history: History) -> Bool:
        return np.isin(history.offset, marked[history.topic_partition.topic])

    return labels


def _marked(file: ReplayFile, name: str) -> Int64:
    """The rows of a file that are marked."""
    decode = msgspec.json.Decoder().decode
    marks: list[int] = []
    for offset, (_, value) in enumerate(read_rows(file)):
        try:
            row = decode(value)
        except (msgspec.DecodeError, RecursionError):
            continue  # the daemon refuses it
        if not isinstance(row, dict) or name not in row:
            raise ConfigError(f"{file.path}: Expected the field {name!r} in every row, got none in row {offset}")
        text = "" if row[name] is None else str(row[name]).lower().removesuffix(".0")
        if text not in NO | YES:
            raise ConfigError(f"{file.path}: Expected 0 or 1 in the field {name!r}, got {row[name]!r} in row {offset}")
        if text in YES:
            marks.append(offset)
    return np.array(marks, dtype=np.int64)


def _times(path: Path, texts: list[str]) -> Int64:
    times, valid = parse_iso8601(texts)
    for line in np.flatnonzero(~valid)[:1].tolist():
        raise ConfigError(f"{path}: line {line + 2}: Expected an ISO-8601 time, got {texts[line]!r}")
    return times
