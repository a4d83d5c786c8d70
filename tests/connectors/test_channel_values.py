"""Readings of one channel that name it: what they become, and what is said of those of other channels."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Reason
from connectors.decode import Decoder
from connectors.errors import ConfigError
from connectors.formats import CsvFormat, Format, JsonArrayFormat, JsonFormat
from tests.connectors.decoding import decode, records_of

NAMED: dict[str, Any] = {"series_field": "sensor", "channel_field": "metric", "value_field": "v"}
JSON, ARRAY = JsonFormat(**NAMED), JsonArrayFormat(**NAMED)
CSV = CsvFormat(columns=["sensor", "metric", "v"], **NAMED)
CHANNELS = ("temperature", "7")
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("record_format", "values"),
    [
        (JSON, [b'{"sensor":"a","metric":"7","v":1.5}', b'{"metric":"temperature","sensor":"b","v":-2}']),
        (JSON, [b'{"sensor":"a","metric":7,"v":1.5,"unit":"C"}', b'{"sensor":"b","metric":"temperature","v":-2}']),
        (ARRAY, [b'[{"sensor":"a","metric":"7","v":1.5},{"sensor":"b","metric":"temperature","v":-2}]']),
        (CSV, [b"a,7,1.5", b"b, temperature ,-2"]),
    ],
)
def test_a_value_stands_in_the_place_of_the_channel_that_is_named(record_format: Format, values: list[bytes]) -> None:
    readings, rejects = decode(record_format, records_of(values), CHANNELS)

    assert len(rejects) == 0
    assert readings.series.tolist() == ["a", "b"]
    np.testing.assert_array_equal(readings.values, [[np.nan, 1.5], [-2, np.nan]])
    assert readings.present.tolist() == [[False, True], [True, False]]


@given(st.lists(st.tuples(FLOATS, FLOATS)))
def test_named_values_are_those_of_the_fields_of_wide_records(rows: list[tuple[float | None, float | None]]) -> None:
    wide = [json.dumps({"sensor": "a", **dict(zip(CHANNELS, row, strict=True))}).encode() for row in rows]
    narrow = [
        json.dumps([{"sensor": "a", "metric": name, "v": v} for name, v in zip(CHANNELS, row, strict=True)]).encode()
        for row in rows
    ]

    expected, _ = decode(JsonFormat(series_field="sensor"), records_of(wide), CHANNELS)
    ours, _ = decode(ARRAY, records_of(narrow), CHANNELS)

    for channel in (0, 1):
        own = ours.take(slice(channel, None, 2))
        np.testing.assert_array_equal(own.values[:, channel], expected.values[:, channel])
        np.testing.assert_array_equal(own.present[:, channel], expected.present[:, channel])
        assert not own.present[:, 1 - channel].any()
        assert own.offset.tolist() == expected.offset.tolist()


@pytest.mark.parametrize(
    ("record_format", "value", "reason", "detail"),
    [
        (JSON, b'{"sensor":"a","metric":"x","v":1}', Reason.UNKNOWN_CHANNEL, "metric: expected one of the channels"),
        (JSON, b'{"sensor":"a","metric":"x","v":"OK"}', Reason.UNKNOWN_CHANNEL, "['7', 'temperature'], got string 'x'"),
        (JSON, b'{"metric":"x","v":1}', Reason.UNKNOWN_CHANNEL, "metric: expected one of the channels"),
        (JSON, b'{"sensor":"a","metric":"7","v":"OK"}', Reason.WRONG_TYPE, "$.v: expected a number or null"),
        (
            JSON,
            b'{"sensor":"a","metric":7.0,"v":1}',
            Reason.WRONG_TYPE,
            "$.metric: expected a string or a whole number",
        ),
        (JSON, b'{"sensor":"a","metric":true,"v":1}', Reason.WRONG_TYPE, "$.metric: expected a string or a whole"),
        (JSON, b'{"sensor":"a","metric":null,"v":1}', Reason.NO_CHANNEL, "metric: expected one of the channels"),
        (JSON, b'{"sensor":"a","v":1}', Reason.NO_CHANNEL, "metric: expected one of the channels"),
        (
            JSON,
            b'{"sensor":"a","metric":"7","value":1}',
            Reason.NO_CHANNEL,
            "expected one of the fields ['v'], got none",
        ),
        (JSON, b'{"metric":"7","v":1}', Reason.EMPTY_KEY, "sensor: expected the series, got nothing"),
        (CSV, b"a,x,1", Reason.UNKNOWN_CHANNEL, "metric: expected one of the channels ['7', 'temperature']"),
        (CSV, b"a,x,OK", Reason.UNKNOWN_CHANNEL, "got string 'x'"),
        (CSV, b"a,,1", Reason.NO_CHANNEL, "metric: expected one of the channels"),
        (CSV, b"a,7,OK", Reason.WRONG_TYPE, "v: expected a number, got string 'OK'"),
    ],
)
def test_a_reading_without_a_channel_of_the_group_is_refused(
    record_format: Format, value: bytes, reason: Reason, detail: str
) -> None:
    readings, rejects = decode(record_format, records_of([value]), CHANNELS)

    assert len(readings) == 0
    assert rejects.reason == [reason]
    assert detail in rejects.detail[0]


@pytest.mark.parametrize("other", [b'{"sensor":"a","metric":"x","v":1}', b'{"sensor":"a","metric":"x","v":"OK"}'])
def test_readings_of_other_channels_are_ignored_where_the_format_says_so(other: bytes) -> None:
    values = [other, b'{"sensor":"a","metric":"7","v":1}', b'{"sensor":"a","v":1}', other]

    readings, rejects = decode(JsonFormat(**NAMED, other_channels="ignore"), records_of(values), CHANNELS)

    assert readings.offset.tolist() == [102]
    assert list(zip(rejects.offset.tolist(), rejects.reason, strict=True)) == [(104, Reason.NO_CHANNEL)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"channel_field": "m"}, "value_field: expected a field where channel_field has one"),
        ({"value_field": "v"}, "and none where it has none, got 'v' with None"),
        ({"channel_field": "m", "value_field": "m"}, "value_field: expected another field than channel_field, got 'm'"),
        ({"channel_field": "", "value_field": "v"}, "channel_field: expected a field name or null, got an empty text"),
        ({"other_channels": "ignore"}, "other_channels: expected a channel_field beside ignore, got none"),
        (
            {"type": "csv", "columns": ["m"], "channel_field": "m", "value_field": "v"},
            "value_field: expected one of the columns ['m'], got 'v'",
        ),
    ],
)
def test_a_format_that_does_not_say_where_channel_and_value_are_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({"type": "json"} | table, Format)

    assert message in str(error.value)


def test_channels_of_one_name_are_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="expected different fields for channels"):
        Decoder("sensors", JSON, ("v", "v"))
