"""Everything one partition remembers at one offset: a value, written as a safetensors file that checks itself.

The file is read whole by the plain library too: its last tensor, the footer, holds the checksum. docs/checkpoints.md
has the format byte by byte. No pickle, no clock: equal checkpoints are equal bytes, and loading runs no code.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64, TopicPartition
from connectors.errors import StoreError
from connectors.ports import Buffer, StateKey

FORMAT_VERSION = 2  # 1 knew no numbers of two bytes
BLOCK_BYTES = 1 << 20  # what is copied, hashed and written at a time
_BLOCK_SERIES = 4096  # keys encoded in one go: Python's lock is held for them
_MAGIC = b"streamer"
_DIGEST_BYTES = 32
_FOOTER_BYTES = len(_MAGIC) + _DIGEST_BYTES
_LENGTH_BYTES = 8
_CODES = {  # safetensors -> numpy
    "F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4", "I16": "<i2", "F16": "<f2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _CODES.items()}


class CheckpointError(StoreError):
    """A checkpoint that cannot be used: says which, what was expected and what came."""


class SavedColumn(NamedTuple):
    """One column of state of every series, and the version of what it means."""

    version: int
    values: NDArray[Any]  # (rows, *shape), one row a series


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Everything one partition remembers at one offset, on the host.

    Arrays are of the types in `_CODES`. Those of a decoded checkpoint are read-only views.

    Raises:
        ValueError: a column has not one row a series.
    """

    key: StateKey
    next_offset: int
    artifact: str  # its name
    artifact_content: bytes  # the artifact file itself, so that a checkpoint stands alone
    settings: dict[str, Any]  # the choices in force, as JSON has them
    build: dict[str, str]  # what the bits depend on: torch, device, instruction set
    counters: dict[str, int | float | None]  # scalars of the partition
    series: Sequence[str]  # in row order
    columns: dict[str, SavedColumn]
    shared: dict[str, NDArray[Any]]  # arrays of the partition itself
    source: dict[str, str | int] = field(default_factory=dict)  # of which topic, see streamer/origin.py

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if column.values.shape[:1] != (len(self.series),):
                rows = len(self.series)
                raise ValueError(f"column {name}: expected {rows} rows, one a series, got shape {column.values.shape}")


def encode(checkpoint: Checkpoint) -> Iterator[Buffer]:
    """Yield the file in blocks of about `BLOCK_BYTES`; rows are made contiguous one block at a time.

    A block may be a view of the checkpoint's arrays: nothing of them may change until the last block is used.

    Raises:
        ValueError: an array has a dtype that the format lacks.
    """
    digest = hashlib.sha256()
    for block in _joined(_content(checkpoint)):
        digest.update(block)
        yield block
    yield digest.digest()


def decode(content: Buffer, where: str) -> Checkpoint:
    """Read what `encode` wrote. Arrays are views of ``content``.

    Raises:
        CheckpointError: it is truncated, damaged, foreign, or of another format version. ``where`` opens the message.
    """
    view = memoryview(content).toreadonly().cast("B")
    _check(view, where)
    try:
        header, start = _header(view)
        version = header["__metadata__"]["format_version"]
        if version in map(str, range(1, FORMAT_VERSION + 1)):
            return _checkpoint(header, view[start:])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where}: expected the header of a checkpoint, got {error!r}") from error
    raise CheckpointError(f"{where}: expected format_version {FORMAT_VERSION} or an earlier one, got {version}")


def _content(checkpoint: Checkpoint) -> Iterator[Buffer]:
    """All but the digest."""
    tensors = _tensors(checkpoint)
    yield _encoded_header(checkpoint, tensors)
    for values in tensors.values():
        yield from _blocks(values)
    yield _MAGIC


def _joined(blocks: Iterable[Buffer]) -> Iterator[Buffer]:
    """The same bytes, small blocks together: a partition of few series is one write and not one a column."""
    small = bytearray()
    for block in blocks:
        if len(small) + len(block) < BLOCK_BYTES:
            small += block
            continue
        if small:
            yield bytes(small)
            small.clear()
        yield block
    yield bytes(small)


def _tensors(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    """Every array by its name in the file, wide items first: each lies at a multiple of its item's size."""
    keys, ends = _encoded_series(checkpoint.series)
    tensors: dict[str, NDArray[Any]] = {
        "artifact": np.frombuffer(checkpoint.artifact_content, np.uint8),
        "series": keys,
        "series_ends": ends,
        **{f"columns.{name}": column.values for name, column in checkpoint.columns.items()},
        **{f"shared.{name}": values for name, values in checkpoint.shared.items()},
    }
    return dict(sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])))


def _encoded_header(checkpoint: Checkpoint, tensors: dict[str, NDArray[Any]]) -> bytes:
    group, (topic, partition) = checkpoint.key
    about = {
        "group": group,
        "topic": topic,
        "partition": partition,
        "next_offset": checkpoint.next_offset,
        "artifact": checkpoint.artifact,
        "settings": checkpoint.settings,
        "build": checkpoint.build,
        "counters": checkpoint.counters,
        "versions": {name: column.version for name, column in checkpoint.columns.items()},
    }
    if checkpoint.source:
        about["source"] = checkpoint.source
    metadata = {"format_version": str(FORMAT_VERSION), "checkpoint": json.dumps(about, sort_keys=True)}
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, values in tensors.items():
        start, end = end, end + values.nbytes
        header[name] = {"dtype": _name(name, values), "shape": list(values.shape), "data_offsets": [start, end]}
    header["footer"] = {"dtype": "U8", "shape": [_FOOTER_BYTES], "data_offsets": [end, end + _FOOTER_BYTES]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _name(name: str, values: NDArray[Any]) -> str:
    try:
        return _NAMES[values.dtype.newbyteorder("<")]
    except KeyError:
        raise ValueError(f"{name}: expected a dtype of {[*map(str, _NAMES)]}, got {values.dtype}") from None


def _blocks(values: NDArray[Any]) -> Iterator[Buffer]:
    """The bytes of an array in the order of its indices, little-endian."""
    rows = values.reshape(-1) if values.flags.c_contiguous else values
    if not rows.size:
        return
    step = max(1, BLOCK_BYTES * len(rows) // rows.nbytes)
    for start in range(0, len(rows), step):
        block = np.ascontiguousarray(rows[start : start + step], dtype=rows.dtype.newbyteorder("<"))
        yield block.reshape(-1).view(np.uint8).data


def _encoded_series(series: Sequence[str]) -> tuple[NDArray[np.uint8], Int64]:
    """The keys as UTF-8, one behind the other, and where each ends."""
    texts = [np.empty(0, np.uint8)]
    lengths = np.empty(len(series), np.int64)
    for start in range(0, len(series), _BLOCK_SERIES):
        keys = series[start : start + _BLOCK_SERIES]
        text = "".join(keys)
        encoded = keys if text.isascii() else [key.encode("utf-8", "surrogatepass") for key in keys]
        lengths[start : start + len(keys)] = list(map(len, encoded))
        texts.append(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8))
    return np.concatenate(texts), np.cumsum(lengths)


def _check(view: memoryview, where: str) -> None:
    if view[-_FOOTER_BYTES:-_DIGEST_BYTES] != _MAGIC:
        size = _told_size(view)
        expected = "a checkpoint" if size is None else f"a checkpoint of {size} bytes"
        raise CheckpointError(f"{where}: expected {expected}, got {len(view)} bytes without the footer of one")
    expected, got = view[-_DIGEST_BYTES:].hex(), hashlib.sha256(view[:-_DIGEST_BYTES]).hexdigest()
    if expected != got:
        raise CheckpointError(f"{where}: expected content of SHA-256 {expected}, got {got}: it is damaged")


def _told_size(view: memoryview) -> int | None:
    """How many bytes the header tells, None where it is not the header of a checkpoint."""
    try:
        header, start = _header(view)
        return start + int(header["footer"]["data_offsets"][1])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _header(view: memoryview) -> tuple[Any, int]:
    """-> the JSON of the header, and where the data begins."""
    start = _LENGTH_BYTES + int.from_bytes(view[:_LENGTH_BYTES], "little")
    return json.loads(bytes(view[_LENGTH_BYTES:start])), start


def _checkpoint(header: dict[str, Any], data: memoryview) -> Checkpoint:
    about = json.loads(header.pop("__metadata__")["checkpoint"])
    arrays = {name: _array(told, data) for name, told in header.items()}
    series = _decoded_series(data[slice(*header["series"]["data_offsets"])], arrays["series_ends"])
    return Checkpoint(
        key=StateKey(about["group"], TopicPartition(about["topic"], about["partition"])),
        next_offset=about["next_offset"],
        artifact=about["artifact"],
        artifact_content=arrays["artifact"].tobytes(),
        settings=about["settings"],
        build=about["build"],
        counters=about["counters"],
        series=series,
        columns={name: SavedColumn(version, arrays[f"columns.{name}"]) for name, version in about["versions"].items()},
        source=about.get("source", {}),
        shared={name.removeprefix("shared."): values for name, values in arrays.items() if name.startswith("shared.")},
    )


def _array(told: dict[str, Any], data: memoryview) -> NDArray[Any]:
    start, _ = told["data_offsets"]
    shape = told["shape"]
    return np.frombuffer(data, _CODES[told["dtype"]], count=prod(shape), offset=start).reshape(shape)


def _decoded_series(keys: memoryview, ends: Int64) -> list[str]:
    encoded, bounds = bytes(keys), pairwise([0, *ends.tolist()])
    if encoded.isascii():
        text = encoded.decode("ascii")
        return [text[start:end] for start, end in bounds]
    return [encoded[start:end].decode("utf-8", "surrogatepass") for start, end in bounds]
