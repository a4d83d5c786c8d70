"""The decoder as one would write it without a thought of speed: record by record, with Python's own parser.

It says which element is a reading and which is refused for what reason, for records of JSON.
"""

import json
import math
from typing import Any, NamedTuple

import numpy as np

from connectors.columns import Reason, Records
from connectors.formats import JsonArrayFormat, JsonFormat
from connectors.timestamps import parse_epochs, parse_iso8601


class Element(NamedTuple):
    offset: int
    position: int  # inside its record
    outcome: Reason | tuple[str, int, tuple[float | None, ...]]  # a reason, or series, timestamp and channels


def decode_one_by_one(
    records: Records, record_format: JsonFormat | JsonArrayFormat, fields: tuple[str, ...], max_record_bytes: int
) -> list[Element]:
    elements = []
    for position, value in enumerate(records.value):
        offset = int(records.offset[position])
        whole = _whole(value, max_record_bytes, isinstance(record_format, JsonArrayFormat))
        if isinstance(whole, Reason):
            elements.append(Element(offset, 0, whole))
            continue
        for index, part in enumerate(whole):
            outcome = _element(part, records.key[position], int(records.timestamp_ms[position]), record_format, fields)
            elements.append(Element(offset, index, outcome))
    return elements


def _whole(value: bytes | None, max_record_bytes: int, is_array: bool) -> Reason | list[Any]:
    if value is None:
        return Reason.TOMBSTONE
    if len(value) > max_record_bytes:
        return Reason.TOO_LARGE
    try:
        whole = json.loads(value.decode())
    except (ValueError, RecursionError):
        return Reason.MALFORMED
    if not is_array:
        return [whole]
    return whole if isinstance(whole, list) else Reason.WRONG_TYPE


def _element(
    part: Any,
    key: bytes | None,
    timestamp_ms: int,
    record_format: JsonFormat | JsonArrayFormat,
    fields: tuple[str, ...],
) -> Any:
    if not isinstance(part, dict):
        return Reason.WRONG_TYPE
    types = _type_fault(part, record_format, fields)
    if types is not None:
        return types
    series = _series(part, key, record_format)
    if isinstance(series, Reason):
        return series
    timestamp = _timestamp(part, timestamp_ms, record_format)
    if timestamp is None:
        return Reason.BAD_TIMESTAMP
    if not any(field in part for field in fields):
        return Reason.NO_CHANNEL
    return series, timestamp, tuple(None if part.get(field) is None else float(part[field]) for field in fields)


def _type_fault(part: dict[str, Any], record_format: Any, fields: tuple[str, ...]) -> Reason | None:
    series = part.get(record_format.series_field) if record_format.series_field else None
    if series is not None and (type(series) not in {str, int} or "\\ud" in ascii(series)):
        return Reason.BAD_KEY
    timestamp = part.get(record_format.timestamp_field) if record_format.timestamp_field else None
    kinds = {str} if record_format.timestamp_unit == "iso8601" else {int, float}
    if timestamp is not None and type(timestamp) not in kinds:
        return Reason.BAD_TIMESTAMP
    for field in fields:
        number = part.get(field)
        if number is None:
            continue
        if type(number) not in {int, float}:
            return Reason.WRONG_TYPE
        if not math.isfinite(_float(number)):
            return Reason.NOT_FINITE
    return None


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _series(part: dict[str, Any], key: bytes | None, record_format: Any) -> str | Reason:
    if record_format.series_field is not None:
        series = part.get(record_format.series_field)
        return Reason.EMPTY_KEY if series in {None, ""} else str(series)
    if not key:
        return Reason.EMPTY_KEY
    try:
        return key.decode()
    except UnicodeDecodeError:
        return Reason.BAD_KEY


def _timestamp(part: dict[str, Any], timestamp_ms: int, record_format: Any) -> int | None:
    if record_format.timestamp_field is None:
        return timestamp_ms * 10**6 if 0 <= timestamp_ms <= (2**63 - 1) // 10**6 else None
    came = part.get(record_format.timestamp_field)
    if came is None:
        return None
    parsed = parse_iso8601([came]) if isinstance(came, str) else parse_epochs([came], record_format.timestamp_unit)
    timestamp, valid = parsed
    return int(timestamp[0]) if np.all(valid) else None
