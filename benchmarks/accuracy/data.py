"""The labelled files: read straight from the archives, each with what is streamed, what is scored, and its half."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Half = Literal["A", "B"]

SECOND_NS = 1_000_000_000
CADENCES = {"asd": 300, "smd": 60, "smap-msl": 60, "mgab": 1}  # seconds; these archives hold no times
SERVER_SETS = {"omi": "asd", "machine": "smd"}


@dataclass(frozen=True, slots=True)
class File:
    """One file of a set: readings from the first that is streamed, labels from the first that is scored."""

    source: str  # the set
    name: str
    timestamp: Int64  # (T,) ns
    values: Float64  # (T, C), those of the train part first
    labels: Bool  # (T - first,)
    first: int = 0  # readings streamed before the first that is scored
    half: Half = "A"

    @property
    def channels(self) -> int:
        """How many channels it has."""
        return int(self.values.shape[1])

    @property
    def scored(self) -> Float64:
        """The values of what is scored. (T - first, C)."""
        return self.values[self.first :]

    def head(self, readings: int) -> "File":
        """Its first scored readings, after all that are streamed before."""
        stop = self.first + readings
        return File(
            self.source,
            self.name,
            self.timestamp[:stop],
            self.values[:stop],
            self.labels[:readings],
            self.first,
            self.half,
        )


def read(data: Path, source: str) -> list[File]:
    """The files of one set, by name, divided into halves.

    The halves are equal in number but for one, drawn by the hash of the names: no label has a say in it.
    """
    files = sorted(SETS[source](data), key=lambda file: file.name)
    by_hash = sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest())
    halves: dict[str, Half] = {file.name: "AB"[place % 2] for place, file in enumerate(by_hash)}  # type: ignore[misc]
    return [
        File(file.source, file.name, file.timestamp, file.values, file.labels, file.first, halves[file.name])
        for file in files
    ]


def spans(labels: Bool) -> list[tuple[int, int]]:
    """The runs of what is labelled: the first reading of each, and the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], labels, [False]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _nab(data: Path) -> Iterator[File]:
    with zipfile.ZipFile(data / "nab.zip") as archive:
        windows = json.loads(archive.read("labels/combined_windows.json"))
        for name, limits in windows.items():
            times, values = _columns(archive.read(f"data/{name}"), "timestamp", "value")
            timestamp = np.array(times, dtype="datetime64[ns]").astype(np.int64)
            labels = np.zeros(len(times), dtype=bool)
            for start, end in limits:
                # The rows of these very times, as the labels name them: the times of some files are not in order.
                left, right = (np.flatnonzero(timestamp == _instant(at))[0] for at in (start, end))
                labels[left : right + 1] = True
            yield File("nab", name, timestamp, _channel(values), labels)


def _instant(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def _mgab(data: Path) -> Iterator[File]:
    for name, content in _members(data / "mgab.zip", ".csv"):
        values, marks = _columns(content, "value", "is_anomaly")
        yield File("mgab", name, _times("mgab", len(values)), _channel(values), np.array(marks) == "1")


def _servers(data: Path, source: str) -> Iterator[File]:
    for name, content in _members(data / "servers.zip", ".npz"):
        if SERVER_SETS[name.partition("-")[0]] == source:
            yield _trained(source, name, content)


def _spacecraft(data: Path) -> Iterator[File]:
    for name, content in _members(data / "spacecraft.zip", ".npz"):
        yield _trained("smap-msl", name, content)


def _trained(source: str, name: str, content: bytes) -> File:
    """A file with a train part, which is streamed first."""
    parts = np.load(io.BytesIO(content))
    values = np.concatenate((parts["train"], parts["test"])).astype(np.float64)
    return File(source, name, _times(source, len(values)), values, parts["label"].astype(bool), len(parts["train"]))


def _columns(content: bytes, *names: str) -> tuple[tuple[str, ...], ...]:
    """Columns of a CSV file by the names in its header."""
    header, *rows = csv.reader(io.StringIO(content.decode()))
    columns = tuple(zip(*rows, strict=True))
    return tuple(columns[header.index(name)] for name in names)


def _channel(values: tuple[str, ...]) -> Float64:
    """The values of the only channel. -> (T, 1)."""
    return np.array(values, dtype=np.float64)[:, None]


def _times(source: str, readings: int) -> Int64:
    return np.arange(readings, dtype=np.int64) * CADENCES[source] * SECOND_NS


def _members(archive: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """The files of an archive by the stem of their name."""
    with zipfile.ZipFile(archive) as files:
        for path in sorted(name for name in files.namelist() if name.endswith(ending)):
            yield Path(path).stem, files.read(path)


SETS: dict[str, Callable[[Path], Iterator[File]]] = {
    "nab": _nab,
    "asd": lambda data: _servers(data, "asd"),
    "smd": lambda data: _servers(data, "smd"),
    "smap-msl": _spacecraft,
    "mgab": _mgab,
}
