"""How the payload of a record is laid out, as chosen in the configuration."""

from collections.abc import Sequence
from typing import Literal

import msgspec

TimestampUnit = Literal["iso8601", "seconds", "milliseconds", "microseconds", "nanoseconds"]
_PLACES = ("series_field", "timestamp_field", "channel_field", "value_field")


class _Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Where series, time and values stand, in every layout."""

    series_field: str | None = None  # None: the record's key
    timestamp_field: str | None = None  # None: the record's own timestamp
    timestamp_unit: TimestampUnit = "iso8601"
    channel_field: str | None = None  # of a reading of one channel: the field that names it; None: each has its field
    value_field: str | None = None  # and the field of its value
    other_channels: Literal["reject", "ignore"] = "reject"  # readings that name a channel the group does not have

    def __post_init__(self) -> None:
        for name in _PLACES:
            if getattr(self, name) == "":
                raise ValueError(f"{name}: expected a field name or null, got an empty text")
        if (self.channel_field is None) != (self.value_field is None):
            raise ValueError(
                "value_field: expected a field where channel_field has one, and none where it has none, "
                f"got {self.value_field!r} with {self.channel_field!r}"
            )
        if self.channel_field is None and self.other_channels == "ignore":
            raise ValueError("other_channels: expected a channel_field beside ignore, got none")
        for place, name in enumerate(_PLACES):
            for other in _PLACES[:place]:
                if getattr(self, name) is not None and getattr(self, name) == getattr(self, other):
                    raise ValueError(f"{name}: expected another field than {other}, got {getattr(self, name)!r}")

    def value_fields(self, fields: Sequence[str]) -> tuple[str, ...]:
        """Where values stand, of channels that are called ``fields`` on the wire."""
        return tuple(fields) if self.value_field is None else (self.value_field,)


class JsonFormat(_Layout, frozen=True, kw_only=True, tag="json"):
    """One reading a record: a JSON object."""


class JsonArrayFormat(_Layout, frozen=True, kw_only=True, tag="json_array"):
    """Many readings a record: a JSON array of objects."""


class CsvFormat(_Layout, frozen=True, kw_only=True, tag="csv"):
    """One reading a record: one line of cells, without a header."""

    columns: list[str]
    delimiter: str = ","

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise ValueError(f"columns: expected one or more different names, got {self.columns}")
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ValueError(f"delimiter: expected one character, no quote and no line end, got {self.delimiter!r}")
        for name in _PLACES:
            field = getattr(self, name)
            if field is not None and field not in self.columns:
                raise ValueError(f"{name}: expected one of the columns {self.columns}, got {field!r}")


Format = JsonFormat | JsonArrayFormat | CsvFormat
