"""Timestamps as producers write them, turned into nanoseconds since the epoch, UTC.

Every function maps N inputs to ``(timestamp, valid)``: int64 ns (N,) and bool (N,). What is not valid holds 0.
One input gives the same nanoseconds whatever stands beside it: the vectorised and the single roads agree.
"""

import datetime
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Bool, Float64, Int64
from connectors.formats import TimestampUnit

Parsed = tuple[Int64, Bool]
Characters = NDArray[np.uint8]  # (length, N): one row a place of the text

_INT64_MAX = 2**63 - 1
_LAST_SECOND = _INT64_MAX // 10**9 - 1  # its last nanosecond still fits
_UNIT_NS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
_ISO8601 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+-])(?P<zone_hour>[0-9]{2})(?::?(?P<zone_minute>[0-9]{2}))?)?)?"
)
_MAX_LAYOUTS = 4  # vectorised layouts a batch; a batch with more is read text by text beyond them


def parse_iso8601(texts: Sequence[str]) -> Parsed:
    """Read ISO 8601 dates and times, to the nanosecond; without an offset they are UTC.

    ``2022-03-20``, ``2022-03-20 10:00``, ``2022-03-20T10:00:00Z``, ``2022-03-20T11:00:00.123456789+01:00``.
    Texts of one layout (digits in the same places) are read together, column of digits by column of digits.
    """
    timestamp, valid = _nothing(len(texts))
    length = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    rest = np.arange(len(texts))
    for _ in range(_MAX_LAYOUTS):
        if len(rest) == 0:
            return timestamp, valid
        first = texts[rest[0]]
        as_long = length[rest] == len(first)
        where, characters = _same_layout(first, texts, rest[as_long])
        timestamp[where], valid[where] = _read_layout(first, characters)
        is_read = np.zeros(len(texts), dtype=np.bool_)
        is_read[where] = True
        rest = rest[~is_read[rest]]
    for position in rest.tolist():
        timestamp[position], valid[position] = _read_text(texts[position])
    return timestamp, valid


def parse_epochs(numbers: Sequence[int | float], unit: TimestampUnit) -> Parsed:
    """Read numbers of ``unit`` since the epoch, whole or with a fraction.

    A float of (milli)seconds carries about a microsecond at today's dates: it is rounded to one, so that 1647770400.123
    is what was written and not 1647770400.122999907.
    """
    column = np.array(numbers) if len(set(map(type, numbers))) == 1 else None
    if column is not None and column.dtype == np.int64:
        return _scale(column, _UNIT_NS[unit])
    if column is not None and column.dtype == np.float64:
        return _scale_floats(column, _UNIT_NS[unit])
    timestamp, valid = _nothing(len(numbers))
    for position, number in enumerate(numbers):
        timestamp[position], valid[position] = _read_number(number, _UNIT_NS[unit])
    return timestamp, valid


def from_record_milliseconds(timestamp_ms: Int64) -> Parsed:
    """The record's own timestamps; negative ones say that the record has none."""
    timestamp, valid = _scale(timestamp_ms, _UNIT_NS["milliseconds"])
    has_one = timestamp_ms >= 0
    return np.where(has_one, timestamp, 0), valid & has_one


def _nothing(count: int) -> Parsed:
    return np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)


def _scale(column: Int64, unit_ns: int) -> Parsed:
    largest = _INT64_MAX // unit_ns
    valid = (column >= -largest) & (column <= largest)
    return np.where(valid, column, 0) * unit_ns, valid


def _scale_floats(column: Float64, unit_ns: int) -> Parsed:
    valid = abs(column) < _INT64_MAX // unit_ns - 1  # false for NaN; a unit from the edge, for the fraction
    number = np.where(valid, column, 0)
    whole = np.floor(number)
    step_ns = _step_ns(unit_ns)
    fraction_ns = np.rint((number - whole) * unit_ns / step_ns).astype(np.int64) * step_ns
    return whole.astype(np.int64) * unit_ns + fraction_ns, valid


def _step_ns(unit_ns: int) -> int:
    """What the fraction of a float of this unit is rounded to."""
    return 1_000 if unit_ns >= _UNIT_NS["milliseconds"] else 1


def _read_number(number: int | float, unit_ns: int) -> tuple[int, bool]:
    if isinstance(number, float):
        timestamp, valid = _scale_floats(np.array([number]), unit_ns)
        return int(timestamp[0]), bool(valid[0])
    valid_number = abs(number) <= _INT64_MAX // unit_ns
    return (number * unit_ns, True) if valid_number else (0, False)


def _same_layout(first: str, texts: Sequence[str], where: Int64) -> tuple[Int64, Characters]:
    """Those ``where`` whose text is laid out as ``first``, all being as long, and their characters (length, N)."""
    if not first.isascii():
        return where[:1], np.zeros((0, 1), dtype=np.uint8)
    chosen = texts if len(where) == len(texts) else [texts[position] for position in where.tolist()]
    joined = "".join(chosen).encode("ascii", "replace")  # a "?" is in no layout
    characters = np.ascontiguousarray(np.frombuffer(joined, dtype=np.uint8).reshape(len(where), len(first)).T)
    layout = np.where((characters >= ord("0")) & (characters <= ord("9")), np.uint8(ord("0")), characters)
    alike = (layout == layout[:, :1]).all(axis=0)
    return where[alike], characters[:, alike]


def _read_layout(first: str, characters: Characters) -> Parsed:
    match = _ISO8601.fullmatch(first)
    if match is None:
        return _nothing(characters.shape[1])

    def number(start: int, end: int) -> Int64:
        total = np.zeros(characters.shape[1], dtype=np.int64)
        for place in range(start, end):
            total *= 10
            total += characters[place] - np.uint8(ord("0"))
        return total

    def part(name: str) -> Int64:
        return number(*match.span(name))

    day, valid = _days(number(0, 4), number(5, 7), number(8, 10))
    hour, minute, second = part("hour"), part("minute"), part("second")
    zone_hour, zone_minute = part("zone_hour"), part("zone_minute")
    valid &= (hour < 24) & (minute < 60) & (second < 60) & (zone_hour < 24) & (zone_minute < 60)
    fraction_ns = part("fraction") * 10 ** (9 - len(match["fraction"] or ""))
    ahead = (zone_hour * 60 + zone_minute) * (-60 if match["sign"] == "-" else 60)
    seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - ahead
    valid &= abs(seconds) <= _LAST_SECOND
    return np.where(valid, seconds, 0) * 10**9 + np.where(valid, fraction_ns, 0), valid


def _days(year: Int64, month: Int64, day: Int64) -> Parsed:
    """Days since the epoch in the proleptic Gregorian calendar."""
    months = (year - 1970) * 12 + month - 1
    start = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= end - start)
    return start + day - 1, valid


def _read_text(text: str) -> tuple[int, bool]:
    match = _ISO8601.fullmatch(text)
    if match is None:
        return 0, False
    try:
        day = datetime.date.fromisoformat(match["date"]).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        return 0, False
    hour, minute, second, zone_hour, zone_minute = (
        int(match[name] or 0) for name in ("hour", "minute", "second", "zone_hour", "zone_minute")
    )
    ahead = (zone_hour * 60 + zone_minute) * (-60 if match["sign"] == "-" else 60)
    seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - ahead
    in_range = hour < 24 and zone_hour < 24 and max(minute, second, zone_minute) < 60 and abs(seconds) <= _LAST_SECOND
    return (seconds * 10**9 + int((match["fraction"] or "").ljust(9, "0")), True) if in_range else (0, False)
