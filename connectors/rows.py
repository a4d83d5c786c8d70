"""Rows: one element of a record, as typed fields, and why an element was refused instead."""

import math
import re
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from connectors.columns import Reason
from connectors.formats import Format

Row = Any  # a struct of `RowMaker.type`: series, timestamp, channel, c0, c1, ... as they came, UNSET where they did not
UNREADABLE = (ValueError, TypeError, RecursionError)  # malformed or not UTF-8; no bytes at all; too deep
_SHOWN_CHARACTERS = 80
_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


class Fault(NamedTuple):
    """Why an element was refused."""

    reason: Reason
    detail: str


class Layout(Protocol):
    """How one record is read."""

    has_one_row: bool
    fields: tuple[str, ...]  # attributes of a row that hold values, in the order of `Format.value_fields`

    def read(self, value: bytes, /) -> Any:
        """The row of a good record, or its list of rows. Raises one of `UNREADABLE` for any other."""
        ...

    def examine(self, value: bytes) -> list[Row | Fault]:
        """The elements of a record that `read` refused."""
        ...


class RowMaker:
    """The type of the rows of one record_format, and rows made one by one of what Python's own parsers gave."""

    def __init__(self, record_format: Format, fields: Sequence[str]) -> None:
        values = record_format.value_fields(fields)
        self.fields = tuple(f"c{position}" for position in range(len(values)))
        self.type = _row_type(record_format, values)
        self._channels = frozenset(fields)
        self._time_kinds = {str} if record_format.timestamp_unit == "iso8601" else {int, float}
        self._expected_time = "ISO 8601 text" if record_format.timestamp_unit == "iso8601" else "a number"
        self.names = {member.name: member.encode_name for member in msgspec.structs.fields(self.type)}

    def channel(self, path: str, came: Any) -> Any:
        """The name of a channel of the group, or why it is none. What its value may be is not known of any other."""
        if type(came) not in {str, int}:
            return wrong(Reason.WRONG_TYPE, path, "a string or a whole number", came)
        return came if str(came) in self._channels else unknown_channel(path, self._channels, came)

    def make(self, element: Any, path: str) -> Row | Fault:
        """The row of one JSON value that stands at ``path``."""
        if not isinstance(element, dict):
            return wrong(Reason.WRONG_TYPE, path, "an object", element)
        taken = {}
        for attribute, name in self.names.items():
            came = element.get(name, UNSET)
            taken[attribute] = came if came is None or came is UNSET else self._take(attribute, came, f"{path}.{name}")
        return next((part for part in taken.values() if type(part) is Fault), None) or self.type(**taken)

    def _take(self, attribute: str, came: Any, path: str) -> Any:
        if attribute == "series":
            fits = type(came) in {str, int} and _is_unicode(came)
            return came if fits else wrong(Reason.BAD_KEY, path, "a string or a whole number", came)
        if attribute == "timestamp":
            fits = type(came) in self._time_kinds
            return came if fits else wrong(Reason.BAD_TIMESTAMP, path, self._expected_time, came)
        if attribute == "channel":
            return self.channel(path, came)
        if type(came) not in {int, float}:
            return wrong(Reason.WRONG_TYPE, path, "a number or null", came)
        try:
            number = float(came)
        except OverflowError:
            number = math.inf
        return number if math.isfinite(number) else wrong(Reason.NOT_FINITE, path, "a finite number", came)


def wrong(reason: Reason, path: str, expected: str, came: object) -> Fault:
    """The fault of a part that is not what was expected at ``path``."""
    return Fault(reason, f"{path}: expected {expected}, got {_KINDS.get(type(came), 'null')} {_SHOWN.repr(came)}")


def unknown_channel(path: str, channels: Iterable[str], came: object) -> Fault:
    """The fault of an element about a channel that the group does not have."""
    return wrong(Reason.UNKNOWN_CHANNEL, path, f"one of the channels {sorted(channels)}", came)


def malformed(expected: str, value: bytes, error: Exception) -> Fault:
    """The fault of a record that no parser can read."""
    why = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:_SHOWN_CHARACTERS]
    return Fault(Reason.MALFORMED, f"value: expected {expected}, got {_SHOWN.repr(value)} ({why})")


def _is_unicode(came: str | int) -> bool:
    """False for half a surrogate pair, which JSON can write and UTF-8 cannot."""
    return isinstance(came, int) or came.isascii() or not re.search("[\ud800-\udfff]", came)


def _shown() -> reprlib.Repr:
    """What came, short enough for a message."""
    short = reprlib.Repr()
    short.maxlevel = 2
    short.maxstring = short.maxlong = short.maxother = _SHOWN_CHARACTERS
    return short


_SHOWN = _shown()


def _row_type(record_format: Format, values: Sequence[str]) -> type[msgspec.Struct]:
    time: Any = str if record_format.timestamp_unit == "iso8601" else int | float
    members: list[tuple[str, Any, Any]] = []
    names = {}
    if record_format.series_field is not None:
        members.append(("series", str | int | None | UnsetType, UNSET))
        names["series"] = record_format.series_field
    if record_format.timestamp_field is not None:
        members.append(("timestamp", time | None | UnsetType, UNSET))
        names["timestamp"] = record_format.timestamp_field
    if record_format.channel_field is not None:
        members.append(("channel", str | int | None | UnsetType, UNSET))
        names["channel"] = record_format.channel_field
    for position, name in enumerate(values):
        members.append((f"c{position}", float | None | UnsetType, UNSET))
        names[f"c{position}"] = name
    return msgspec.defstruct("Row", members, rename=names, gc=False)
