"""Records of CSV: one line of cells each."""

import csv
import math
import re
from collections.abc import Callable, Sequence

import msgspec
from typing_extensions import override

from connectors.columns import Reason
from connectors.formats import CsvFormat
from connectors.rows import Fault, Layout, Row, RowMaker, malformed, wrong

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,80}")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_Take = Callable[[str, str], str | int | float | None]  # of the column's name and the trimmed cell


class _Refused(ValueError):
    """A line of CSV that is not taken."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class CsvLines(Layout):
    """One line a record. Cells are trimmed, and an empty one is null."""

    has_one_row = True

    def __init__(self, record_format: CsvFormat, fields: Sequence[str]) -> None:
        rows = RowMaker(record_format, fields)
        self.fields = rows.fields
        self._type = rows.type
        self._columns = len(record_format.columns)
        self._delimiter = record_format.delimiter
        time = _text if record_format.timestamp_unit == "iso8601" else _epoch
        takes: dict[str, _Take] = {"series": _text, "timestamp": time, "channel": _channel(rows)}
        self._takes: list[tuple[_Take, str, int]] = [
            (takes.get(member.name, _value), member.encode_name, record_format.columns.index(member.encode_name))
            for member in msgspec.structs.fields(rows.type)
        ]

    @override
    def read(self, value: bytes) -> Row:
        cells = self._cells(str(value, "utf-8"))
        if len(cells) != self._columns:
            raise _Refused(Fault(Reason.MALFORMED, f"value: expected {self._columns} cells, got {len(cells)}"))
        return self._type(*[take(name, cells[place].strip()) for take, name, place in self._takes])

    @override
    def examine(self, value: bytes) -> list[Row | Fault]:
        try:
            return [self.read(value)]
        except _Refused as refused:
            return [refused.fault]
        except UnicodeDecodeError as error:
            return [malformed("one line of CSV in UTF-8", value, error)]

    def _cells(self, text: str) -> list[str]:
        line = text.removesuffix("\n").removesuffix("\r")
        if '"' not in line and "\n" not in line and "\r" not in line:
            return line.split(self._delimiter)
        try:
            rows = list(csv.reader([line], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise _Refused(malformed("one line of CSV", text.encode(), error)) from error
        return rows[0]


def _text(_: str, cell: str) -> str | None:
    return cell or None


def _channel(rows: RowMaker) -> _Take:
    """The name of a channel, before the cell of its value is looked at."""

    def take(name: str, cell: str) -> str | None:
        came = rows.channel(name, cell) if cell else None
        if isinstance(came, Fault):
            raise _Refused(came)
        return cell or None

    return take


def _epoch(name: str, cell: str) -> int | float | None:
    if _WHOLE_NUMBER.fullmatch(cell):
        return int(cell)
    return _number(name, cell, Reason.BAD_TIMESTAMP, Reason.BAD_TIMESTAMP) if cell else None


def _value(name: str, cell: str) -> float | None:
    return _number(name, cell, Reason.WRONG_TYPE, Reason.NOT_FINITE) if cell else None


def _number(name: str, cell: str, no_number: Reason, not_finite: Reason) -> float:
    if not _NUMBER.fullmatch(cell) and not _NOT_FINITE.fullmatch(cell):
        raise _Refused(wrong(no_number, name, "a number", cell))
    number = float(cell)
    if not math.isfinite(number):
        raise _Refused(wrong(not_finite, name, "a finite number", cell))
    return number
