"""How the payload of a record is laid out, as chosen in the configuration."""

from typing import Literal

import msgspec

TimestampUnit = Literal["iso8601", "seconds", "milliseconds", "microseconds", "nanoseconds"]


class _Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Where series and time stand, in every layout."""

    series_field: str | None = None  # None: the record's key
    timestamp_field: str | None = None  # None: the record's own timestamp
    timestamp_unit: TimestampUnit = "iso8601"

    def __post_init__(self) -> None:
        for name in ("series_field", "timestamp_field"):
            if getattr(self, name) == "":
                raise ValueError(f"{name}: expected a field name or null, got an empty text")
        if self.series_field is not None and self.series_field == self.timestamp_field:
            raise ValueError(f"timestamp_field: expected another field than series_field, got {self.series_field!r}")


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
        for name in ("series_field", "timestamp_field"):
            field = getattr(self, name)
            if field is not None and field not in self.columns:
                raise ValueError(f"{name}: expected one of the columns {self.columns}, got {field!r}")


Format = JsonFormat | JsonArrayFormat | CsvFormat
