"""What `streamer inspect` prints: a look into a checkpoint, into an artifact, or over a directory of them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table

from connectors.directory_store import SUFFIX
from connectors.errors import ConfigError, StoreError
from models.artifact import Artifact, ArtifactError
from models.artifact import load as load_artifact
from streamer.checkpoint import FORMAT_VERSION, Checkpoint, CheckpointError, decode

ARTIFACT_SUFFIX = ".safetensors"


def look(path: Path, series: str | None = None) -> Iterator[Table | str]:
    """Yield what a person wants to see of ``path``, part by part: tables, and YAML as text.

    Raises:
        ConfigError: it is not there, cannot be read, is damaged, or has no such series.
    """
    try:
        if path.is_dir():
            yield _directory(path)
            return
        found = _read(path)
        if series is not None:
            yield _series(found, series, path)
        elif isinstance(found, Checkpoint):
            yield from _checkpoint(found, path)
        else:
            yield from _artifact(found, path)
    except (OSError, StoreError, ArtifactError) as error:
        raise ConfigError(str(error)) from error


def _read(path: Path) -> Checkpoint | Artifact:
    """A checkpoint is known by its footer, wherever it was copied to; its own suffix says what it should be."""
    try:
        return decode(path.read_bytes(), str(path))
    except CheckpointError:
        if path.suffix == SUFFIX:
            raise
        return load_artifact(path)


def _checkpoint(checkpoint: Checkpoint, path: Path) -> Iterator[Table | str]:
    group, (topic, partition) = checkpoint.key
    yield _facts(
        {
            "checkpoint": f"format {FORMAT_VERSION}, the checksum holds",
            **_of_file(path.stat()),
            "group": _shown(group),
            "topic": _shown(topic),
            "partition": str(partition),
            "next offset": str(checkpoint.next_offset),
            "artifact": f"{checkpoint.artifact}, {len(checkpoint.artifact_content):,} bytes",
            "series": f"{len(checkpoint.series):,}",
        }
    )
    parts = {"build": checkpoint.build, "counters": checkpoint.counters, "settings": checkpoint.settings}
    yield yaml.safe_dump(parts, sort_keys=False, allow_unicode=True)
    columns = _table("column", "dtype", ">row shape", ">version", ">bytes a series", ">bytes")
    for name, (version, values) in sorted(checkpoint.columns.items()):
        row_bytes = values.nbytes // max(1, len(values))
        columns.add_row(_shown(name), *_form(values, 1), str(version), f"{row_bytes:,}", f"{values.nbytes:,}")
    total = sum(column.values.nbytes for column in checkpoint.columns.values())
    columns.add_row("all", "", "", "", f"{total // max(1, len(checkpoint.series)):,}", f"{total:,}")
    yield columns
    if checkpoint.shared:
        shared = _table("of the partition", "dtype", ">shape", ">bytes")
        for name, values in sorted(checkpoint.shared.items()):
            shared.add_row(_shown(name), *_form(values, 0), f"{values.nbytes:,}")
        yield shared


def _artifact(artifact: Artifact, path: Path) -> Iterator[Table | str]:
    spec = {name: str(value) for name, value in asdict(artifact.spec).items()}
    yield _facts({"artifact": artifact.name, **_of_file(path.stat()), **spec})
    yield yaml.safe_dump(asdict(artifact.origin), sort_keys=False, allow_unicode=True)
    weights = _table("weight", "dtype", ">shape", ">bytes")
    for name, tensor in {**artifact.forecaster.state_dict(), "prior of the pool": artifact.prior}.items():
        values = tensor.cpu().numpy()
        weights.add_row(name, *_form(values, 0), f"{values.nbytes:,}")
    yield weights


def _series(found: Checkpoint | Artifact, name: str, path: Path) -> Table:
    if not isinstance(found, Checkpoint) or name not in found.series:
        raise ConfigError(f"{path}: expected the name of a series in it, got {name!r}")
    row = found.series.index(name)
    table = _table("column", "dtype", "value")
    for column, (_, values) in sorted(found.columns.items()):
        text = np.array2string(values[row], separator=", ", threshold=values.size)
        table.add_row(_shown(column), str(values.dtype), text)
    return table


def _directory(directory: Path) -> Table:
    """Every checkpoint and artifact below it, the newest first. Some may go meanwhile."""
    found: list[tuple[Path, os.stat_result]] = []
    for path in directory.rglob("*"):
        if path.suffix in {SUFFIX, ARTIFACT_SUFFIX}:
            with suppress(FileNotFoundError):
                found.append((path, path.stat()))
    table = _table("written", ">bytes", "file", "holds")
    for path, status in sorted(found, key=lambda one: (-one[1].st_mtime_ns, one[0])):
        table.add_row(*_of_file(status).values(), _shown(str(path.relative_to(directory))), _holds(path))
    return table


def _holds(path: Path) -> str:
    try:
        found = _read(path)
    except (OSError, StoreError, ArtifactError) as error:
        return f"UNUSABLE: {str(error).removeprefix(f'{path}: ')}"
    if isinstance(found, Artifact):
        return f"artifact {found.name}"
    group, (topic, partition) = found.key
    return f"{_shown(group)}, {_shown(topic)}-{partition} at {found.next_offset}: {len(found.series):,} series"


def _of_file(status: os.stat_result) -> dict[str, str]:
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    return {"written": f"{written:%Y-%m-%d %H:%M:%S}Z", "bytes": f"{status.st_size:,}"}


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _table(*headings: str) -> Table:
    """A table; a heading that begins with ``>`` has its column set flush right."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        is_right = heading.startswith(">")
        table.add_column(heading.removeprefix(">"), justify="right" if is_right else "left", overflow="fold")
    return table


def _form(values: np.ndarray[Any, Any], first_axis: int) -> tuple[str, str]:
    """The dtype, and the shape from an axis on."""
    return str(values.dtype), str(list(values.shape[first_axis:]))


def _shown(name: str) -> str:
    """A name that does nothing to a terminal."""
    return name if name.isprintable() else repr(name)
