"""From the bytes of records to rows, element by element.

A good record is read by one call into C. A record that this call refuses is read again, slowly, to say what is wrong
with it or, where the fast road was merely stricter, to take it. What a record becomes depends on its bytes alone, never
on its neighbours: records are not joined into one text, because joined JSON can be cut where no record ends.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connectors.columns import Int64, Reason
from connectors.csv_layout import CsvLines
from connectors.errors import ConfigError
from connectors.formats import CsvFormat, Format, JsonArrayFormat
from connectors.json_layout import JsonArrays, JsonObjects
from connectors.rows import UNREADABLE, Fault, Layout, Row


@dataclass(frozen=True, slots=True)
class Elements:
    """What R records held: K rows that could be read, and the faults of the elements that could not."""

    rows: list[Row]
    record: Int64  # (K,) position of the row's record
    index: Int64  # (K,) position inside the record
    faults: list[tuple[int, int, Fault]]  # (record, index, fault)


def layout_of(record_format: Format, fields: Sequence[str]) -> Layout:
    """The layout that the configuration asks for.

    Raises:
        ConfigError: a field is named twice, or is not among the columns of CSV.
    """
    places = (record_format.series_field, record_format.timestamp_field, record_format.channel_field)
    named = [*record_format.value_fields(fields), *(name for name in places if name is not None)]
    if not fields or len(set(fields)) != len(fields) or len(set(named)) != len(named):
        raise ConfigError(f"format: expected different fields for channels, series and timestamp, got {named}")
    if not isinstance(record_format, CsvFormat):
        return (
            JsonArrays(record_format, fields)
            if isinstance(record_format, JsonArrayFormat)
            else JsonObjects(record_format, fields)
        )
    missing = [name for name in named if name not in record_format.columns]
    if missing:
        raise ConfigError(
            f"format.columns: expected the fields {missing} among the columns, got {record_format.columns}"
        )
    return CsvLines(record_format, fields)


def read_elements(layout: Layout, values: Sequence[bytes | None], max_record_bytes: int) -> Elements:
    """Read every record, the good ones without a line of Python each."""
    # filter() passes over None and b"", which are refused anyway.
    if max(map(len, filter(None, values)), default=0) > max_record_bytes:
        payloads: Sequence[bytes | None] = [
            value if value is None or len(value) <= max_record_bytes else None for value in values
        ]
    else:
        payloads = values
    outcomes: list[Any] = []
    examined: dict[int, list[Row | Fault]] = {}
    reading = map(layout.read, payloads)  # type: ignore[arg-type]  # None is refused by a TypeError
    while len(outcomes) < len(values):
        try:
            outcomes.extend(reading)  # keeps what came before a refusal, and goes on behind it the next time
        except UNREADABLE:
            position = len(outcomes)
            examined[position] = _examine(layout, values[position], max_record_bytes)
            outcomes.append(examined[position])
    if layout.has_one_row and not examined:
        record = np.arange(len(values))
        return Elements(outcomes, record, np.zeros_like(record), [])
    if layout.has_one_row:
        outcomes = [examined.get(position) or [row] for position, row in enumerate(outcomes)]
    return _flatten(outcomes)


def _examine(layout: Layout, value: bytes | None, max_record_bytes: int) -> list[Row | Fault]:
    if value is None:
        return [Fault(Reason.TOMBSTONE, "value: expected a reading, got null")]
    if len(value) > max_record_bytes:
        return [Fault(Reason.TOO_LARGE, f"value: expected at most {max_record_bytes} bytes, got {len(value)}")]
    return layout.examine(value)


def _flatten(outcomes: list[list[Row | Fault]]) -> Elements:
    count = np.fromiter(map(len, outcomes), dtype=np.int64, count=len(outcomes))
    record = np.repeat(np.arange(len(outcomes)), count)
    index = np.arange(len(record)) - np.repeat(np.cumsum(count) - count, count)
    elements = list(itertools.chain.from_iterable(outcomes))
    faulty = [position for position, element in enumerate(elements) if type(element) is Fault]
    if not faulty:
        return Elements(elements, record, index, [])
    faults = [(int(record[position]), int(index[position]), elements[position]) for position in faulty]
    rows = [element for element in elements if type(element) is not Fault]
    return Elements(rows, np.delete(record, faulty), np.delete(index, faulty), faults)
