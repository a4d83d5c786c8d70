"""From records to readings: the columns of what could be read, and what was refused with its reason.

The first thing that is wrong is what is said, in this order: the bytes of the record (tombstone, size, syntax), the
types of its parts, a channel that the group does not have, its series, its timestamp, its channels.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from msgspec import UNSET

from connectors.channel_values import ChannelValues, Faults
from connectors.columns import Bool, Int64, Readings, Reason, Records, Rejects
from connectors.elements import Elements, layout_of, read_elements
from connectors.formats import Format
from connectors.rows import Fault, wrong
from connectors.timestamps import Parsed, from_record_milliseconds, parse_epochs, parse_iso8601


class Decoder:
    """Decodes the records of one group. ``fields`` has what each channel is called there, in their order.

    That is its field or, where a reading names its channel, that name.

    Raises:
        ConfigError: the fields do not fit the format.
    """

    def __init__(
        self, group: str, record_format: Format, fields: Sequence[str], max_record_bytes: int = 1_048_576
    ) -> None:
        self._group = group
        self._format = record_format
        self._max_record_bytes = max_record_bytes
        self._layout = layout_of(record_format, fields)
        self._channels = ChannelValues(record_format, self._layout.fields, fields)

    def decode(self, records: Records) -> tuple[Readings, Rejects]:
        """Return the readings in offset order, and the rejects. Every element of every record is in one of them.

        But those of other channels, where the format has them ignored, are in none.
        """
        elements = read_elements(self._layout, records.value, self._max_record_bytes)
        series, bad_series = self._series(elements, records)
        timestamp, bad_timestamp = self._timestamps(elements, records)
        values, no_channel = self._channels.of(elements.rows)
        readings = Readings(
            self._group,
            records.topic_partition,
            np.array(series, dtype=object),
            records.offset[elements.record],
            elements.index,
            timestamp,
            values,
            ~np.isnan(values),
        )
        unknown = {row: fault for row, fault in no_channel.items() if fault.reason is Reason.UNKNOWN_CHANNEL}
        faults = no_channel | bad_timestamp | bad_series | unknown  # the right one wins
        if faults:
            keep = np.ones(len(readings), dtype=np.bool_)
            keep[list(faults)] = False
            readings = readings.take(keep)
        return readings, self._rejects(records, elements, faults)

    def _series(self, elements: Elements, records: Records) -> tuple[list[str], Faults]:
        if self._format.series_field is not None:
            return _series_of_fields(list(map(attrgetter("series"), elements.rows)), self._format.series_field)
        keys = records.key
        if len(elements.rows) != len(keys) or elements.faults or not self._layout.has_one_row:
            keys = [keys[position] for position in elements.record.tolist()]
        return _series_of_keys(keys)

    def _timestamps(self, elements: Elements, records: Records) -> tuple[Int64, Faults]:
        name = self._format.timestamp_field
        if name is None:
            timestamp_ms = records.timestamp_ms[elements.record]
            timestamp, valid = from_record_milliseconds(timestamp_ms)
            return timestamp, _timestamp_faults(valid, timestamp_ms.tolist, "record", "a timestamp of its own in ms")
        came = list(map(attrgetter("timestamp"), elements.rows))
        expected = f"{self._format.timestamp_unit} from 1677 to 2262"
        timestamp, valid = self._parse_all(came)
        return timestamp, _timestamp_faults(valid, lambda: came, name, expected)

    def _parse_all(self, came: list[Any]) -> Parsed:
        missing = [position for position, part in enumerate(came) if part is None or part is UNSET]
        if not missing:
            return self._parse(came)
        valid = np.ones(len(came), dtype=np.bool_)
        valid[missing] = False
        timestamp = np.zeros(len(came), dtype=np.int64)
        timestamp[valid], valid[valid] = self._parse([came[position] for position in np.flatnonzero(valid).tolist()])
        return timestamp, valid

    def _parse(self, came: list[Any]) -> Parsed:
        if self._format.timestamp_unit == "iso8601":
            return parse_iso8601(came)
        return parse_epochs(came, self._format.timestamp_unit)

    def _rejects(self, records: Records, elements: Elements, faults: Faults) -> Rejects:
        refused = [
            *elements.faults,
            *((int(elements.record[row]), int(elements.index[row]), fault) for row, fault in faults.items()),
        ]
        if self._format.other_channels == "ignore":
            refused = [entry for entry in refused if entry[2].reason is not Reason.UNKNOWN_CHANNEL]
        refused.sort(key=lambda entry: entry[:2])
        position = np.array([record for record, _, _ in refused], dtype=np.int64)
        return Rejects(
            self._group,
            _select(records, np.unique(position)),
            records.offset[position],
            np.array([index for _, index, _ in refused], dtype=np.int64),
            [fault.reason for _, _, fault in refused],
            [fault.detail for _, _, fault in refused],
        )


def _select(records: Records, positions: Int64) -> Records:
    chosen = positions.tolist()
    return Records(
        records.topic_partition,
        records.offset[positions],
        records.timestamp_ms[positions],
        [records.key[position] for position in chosen],
        [records.value[position] for position in chosen],
        [records.headers[position] for position in chosen],
    )


def _series_of_keys(keys: list[bytes | None]) -> tuple[list[str], Faults]:
    """Decode all keys at once. A line end cannot be part of a longer UTF-8 character, so only whole keys are cut."""
    if all(keys):
        try:
            series = b"\n".join(keys).decode().split("\n")  # type: ignore[arg-type]
        except UnicodeDecodeError:
            series = []
        if len(series) == len(keys):  # else a key is not UTF-8, or has a line end of its own
            return series, {}
    names = []
    faults = {}
    for position, key in enumerate(keys):
        name, fault = _series_of_key(key)
        names.append(name)
        if fault is not None:
            faults[position] = fault
    return names, faults


def _series_of_key(key: bytes | None) -> tuple[str, Fault | None]:
    if not key:
        return "", Fault(Reason.EMPTY_KEY, f"key: expected the series, got {'an empty' if key == b'' else 'no'} key")
    try:
        return key.decode(), None
    except UnicodeDecodeError:
        return "", wrong(Reason.BAD_KEY, "key", "the series in UTF-8", key)


def _series_of_fields(came: list[Any], name: str) -> tuple[list[str], Faults]:
    empty = [position for position, part in enumerate(came) if part is None or part is UNSET or part == ""]
    fault = Fault(Reason.EMPTY_KEY, f"{name}: expected the series, got nothing")
    return list(map(str, came)), dict.fromkeys(empty, fault)


def _timestamp_faults(valid: Bool, came: Callable[[], list[Any]], name: str, expected: str) -> Faults:
    if valid.all():
        return {}
    parts = came()
    return {
        position: wrong(Reason.BAD_TIMESTAMP, name, expected, None if parts[position] is UNSET else parts[position])
        for position in np.flatnonzero(~valid).tolist()
    }
