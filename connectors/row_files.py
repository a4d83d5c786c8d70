"""Rows of data files as keys and values of records, read as a stream."""

import csv
import datetime
import decimal
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson

from connectors.errors import ConfigError

KeyedRow = tuple[bytes | None, bytes]
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OTHER_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|\+[0-9]+")


class ReplayFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One data file as one topic: CSV with a header, JSON lines (either also as .gz) or Parquet."""

    path: str
    topic: str
    key: str | None = None  # the series of every row
    key_field: str | None = None  # or the field that names it

    def __post_init__(self) -> None:
        if self.key is not None and self.key_field is not None:
            raise ValueError(f"key: expected either key or key_field, got {self.key!r} and {self.key_field!r}")


def read_rows(file: ReplayFile, *, raw_lines: bool = False) -> Iterator[KeyedRow]:
    """Yield (key, value) of every row, the values being JSON objects.

    Of CSV, cells that are numbers become numbers and empty ones null; a row that does not fit its header stays the line
    it is, for the decoder to refuse. Lines of JSON stay as they are. ``raw_lines`` leaves lines of CSV as they are too
    and drops the header.

    Raises:
        ConfigError: the file is absent, of no known kind, has no such key field, or is not of its kind at all.
    """
    path = Path(file.path)
    if not path.is_file():
        raise ConfigError(f"{path}: expected a data file, got none")
    kind = _kind(path)
    read = _KINDS.get(kind)
    if read is None or (kind == ".parquet" and path.suffix == ".gz"):
        raise ConfigError(f"{path}: expected .csv, .jsonl or .ndjson (each also .gz), or .parquet, got {path.name!r}")
    if raw_lines and kind != ".csv":
        raise ConfigError(f"{path}: expected CSV where lines are sent as they are, got {kind}")
    return _raw_csv(file, path) if raw_lines else read(file, path)


def is_json_lines(path: Path) -> bool:
    """Whether the rows of a file of this name are its lines."""
    return _KINDS.get(_kind(path)) is _json_lines


def _kind(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _raw_csv(file: ReplayFile, path: Path) -> Iterator[KeyedRow]:
    with _open(path) as lines:
        header = next(_csv_rows(path, lines), [])
        place = _key_place(file, path, header)
        constant = _constant_key(file)
        for line in lines:
            text = line.rstrip("\r\n")
            if text:
                key = constant if place is None else _cell_at(next(_csv_rows(path, iter([text]))), place)
                yield key, _encoded(text)


def _csv(file: ReplayFile, path: Path) -> Iterator[KeyedRow]:
    with _open(path) as lines:
        rows = _csv_rows(path, lines)
        header = next(rows, [])
        place = _key_place(file, path, header)
        constant = _constant_key(file)
        names = [orjson.dumps(name) + b":" for name in header]
        for row in rows:
            if row:
                yield constant if place is None else _cell_at(row, place), _csv_object(names, row)


def _csv_rows(path: Path, lines: Iterator[str]) -> Iterator[list[str]]:
    rows = csv.reader(lines)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ConfigError(f"{path}: expected CSV, got {error} in line {rows.line_num}") from error
        if row is None:
            return
        yield row


def _csv_object(names: list[bytes], row: list[str]) -> bytes:
    if len(row) != len(names):
        return _encoded(",".join(row))
    try:
        return b"{" + b",".join(name + _csv_cell(cell) for name, cell in zip(names, row, strict=True)) + b"}"
    except orjson.JSONEncodeError:  # not UTF-8
        return _encoded(",".join(row))


def _csv_cell(cell: str) -> bytes:
    if not cell:
        return b"null"
    if _JSON_NUMBER.fullmatch(cell):
        return cell.encode()
    return orjson.dumps(float(cell) if _OTHER_NUMBER.fullmatch(cell) else cell)


def _key_place(file: ReplayFile, path: Path, header: list[str]) -> int | None:
    if file.key_field is None:
        return None
    if file.key_field not in header:
        raise ConfigError(f"{path}: expected the key field {file.key_field!r} in the header, got {header}")
    return header.index(file.key_field)


def _cell_at(row: list[str], place: int) -> bytes | None:
    return _encoded(row[place]) if place < len(row) else None


def _json_lines(file: ReplayFile, path: Path) -> Iterator[KeyedRow]:
    with _open(path) as lines:
        key_of = _json_key(file)
        for line in lines:
            text = _encoded(line.strip())
            if text:
                yield key_of(text), text


def _json_key(file: ReplayFile) -> Callable[[bytes], bytes | None]:
    if file.key_field is None:
        constant = _constant_key(file)
        return lambda _: constant
    members = [("key", str | int | None, None)]
    decode = msgspec.json.Decoder(msgspec.defstruct("Keyed", members, rename={"key": file.key_field})).decode

    def key_of(line: bytes) -> bytes | None:
        try:
            key = decode(line).key  # type: ignore[attr-defined]  # a struct made above
        except (ValueError, RecursionError):
            return None  # the decoder refuses the row
        return None if key is None else str(key).encode()

    return key_of


def _parquet(file: ReplayFile, path: Path) -> Iterator[KeyedRow]:
    try:
        import pyarrow as arrow  # noqa: PLC0415  # an extra, so often absent
        from pyarrow import compute, parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(f"{path}: expected the extra `streamer[parquet]`, got no pyarrow") from error
    try:
        table = parquet.ParquetFile(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: expected Parquet, got {error}") from error
    with table:
        names = table.schema_arrow.names
        place = _key_place(file, path, names)
        constant = _constant_key(file)
        for batch in table.iter_batches():
            columns = [_plain(arrow, compute, column).to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                key = constant if place is None or row[place] is None else str(row[place]).encode()
                yield key, orjson.dumps(dict(zip(names, row, strict=True)), default=_json_value)


def _plain(arrow: Any, compute: Any, column: Any) -> Any:
    """Timestamps as text: Arrow's are as fine as a nanosecond, Python's only as a microsecond."""
    if not arrow.types.is_timestamp(column.type):
        return column
    naive = column.cast(arrow.timestamp(column.type.unit))
    return compute.strftime(naive, format="%Y-%m-%dT%H:%M:%SZ")


def _json_value(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return str(value)


def _constant_key(file: ReplayFile) -> bytes | None:
    return None if file.key is None else file.key.encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # bytes that are not UTF-8 go through as they came


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with (
        opened(path, "rb") as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines,
    ):
        try:
            yield lines
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ConfigError(f"{path}: expected gzip, got {error}") from error


_KINDS = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}
