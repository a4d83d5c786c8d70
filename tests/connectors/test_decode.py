"""Decoding: what a record of each format becomes, and what each fault is called."""

from collections.abc import Sequence

import numpy as np
import pytest

from connectors.columns import Reason, Records
from connectors.decode import Decoder
from connectors.errors import ConfigError
from connectors.formats import CsvFormat, Format, JsonArrayFormat, JsonFormat
from tests.connectors.decoding import FIELDS, NOW_MS, PARTITION, decode, records_of


def refusal(record_format: Format, records: Records, fields: Sequence[str] = ("value",)) -> tuple[Reason, str]:
    """The one reason and detail, where nothing else is in the records."""
    readings, rejects = decode(record_format, records, fields)
    assert (len(readings), len(rejects)) == (0, 1)
    return rejects.reason[0], rejects.detail[0]


def test_readings_keep_key_offset_timestamp_and_channels() -> None:
    records = records_of([b'{"other": 2, "value": 1.5}', b'{"value": 9007199254740993}'], [b"a", "ü\n".encode()])

    readings, rejects = decode(JsonFormat(), records, FIELDS)

    assert len(rejects) == 0
    assert readings.group == "sensors"
    assert readings.topic_partition == PARTITION
    assert readings.series.tolist() == ["a", "ü\n"]
    assert readings.offset.tolist() == [100, 102]
    assert readings.index.tolist() == [0, 0]
    assert readings.timestamp.tolist() == [NOW_MS * 10**6] * 2
    np.testing.assert_array_equal(readings.values, [[1.5, 2.0], [9007199254740992.0, np.nan]])
    assert readings.present.tolist() == [[True, True], [True, False]]


def test_a_null_channel_is_absent_and_a_reading_of_nulls_is_still_a_reading() -> None:
    readings, rejects = decode(JsonFormat(), records_of([b'{"value":null,"other":1}', b'{"value":null}']), FIELDS)

    assert len(rejects) == 0
    assert readings.present.tolist() == [[False, True], [False, False]]
    assert np.isnan(readings.values).tolist() == [[True, False], [True, True]]


def test_fields_that_nobody_asked_for_are_ignored() -> None:
    readings, _ = decode(JsonFormat(), records_of([b'{"x":{"deep":[1,"2"]},"value":3,"y":NaN}']))

    assert readings.values.tolist() == [[3.0]]


def test_a_series_and_a_timestamp_may_stand_in_the_value() -> None:
    record_format = JsonFormat(series_field="sensor", timestamp_field="time")
    values = [
        b'{"sensor":"s","time":"2022-03-20T11:00:00.123456789+01:00","value":1}',
        b'{"sensor":17,"time":"2013-02-11","value":2}',
    ]

    readings, rejects = decode(record_format, records_of(values, [None, b"\xff"]))

    assert len(rejects) == 0
    assert readings.series.tolist() == ["s", "17"]
    assert readings.timestamp.tolist() == [1_647_770_400_123_456_789, 1_360_540_800_000_000_000]


def test_an_array_holds_many_readings_and_a_bad_one_rejects_only_itself() -> None:
    values = [b'[{"value":1},{"value":"x"},{"value":3},{"value":NaN},7]', b"[]", b'[{"value":4},{"value":5}]', b"{}"]

    readings, rejects = decode(JsonArrayFormat(), records_of(values))

    assert readings.values[:, 0].tolist() == [1, 3, 4, 5]
    assert readings.offset.tolist() == [100, 100, 104, 104]
    assert readings.index.tolist() == [0, 2, 0, 1]
    assert list(zip(rejects.offset.tolist(), rejects.index.tolist(), rejects.reason, strict=True)) == [
        (100, 1, Reason.WRONG_TYPE),
        (100, 3, Reason.NOT_FINITE),
        (100, 4, Reason.WRONG_TYPE),
        (106, 0, Reason.WRONG_TYPE),
    ]
    assert rejects.detail[0] == "$[1].value: expected a number or null, got string 'x'"
    assert rejects.records.value == [values[0], values[3]]


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, Reason.TOMBSTONE, "value: expected a reading, got null"),
        (b"x" * 1_048_577, Reason.TOO_LARGE, "value: expected at most 1048576 bytes, got 1048577"),
        (b"", Reason.MALFORMED, "value: expected a JSON object, got b'' (Expecting value: line 1 column 1 (char 0))"),
        (b"\xff", Reason.MALFORMED, "expected a JSON object, got b'\\xff' ('utf-8' codec can't decode"),
        (b'{"value":1}{', Reason.MALFORMED, "Extra data"),
        (b'{"x":' + b"[" * 100_000, Reason.MALFORMED, "(nested too deeply)"),
        (b"[1]", Reason.WRONG_TYPE, "$: expected an object, got array [1]"),
        (b"null", Reason.WRONG_TYPE, "$: expected an object, got null None"),
        (b'{"value":"1"}', Reason.WRONG_TYPE, "$.value: expected a number or null, got string '1'"),
        (b'{"value":true}', Reason.WRONG_TYPE, "$.value: expected a number or null, got boolean True"),
        (b'{"value":{"a":1}}', Reason.WRONG_TYPE, "$.value: expected a number or null, got object {'a': 1}"),
        (b'{"value":NaN}', Reason.NOT_FINITE, "$.value: expected a finite number, got number nan"),
        (b'{"value":-Infinity}', Reason.NOT_FINITE, "$.value: expected a finite number, got number -inf"),
        (b'{"value":1e999}', Reason.NOT_FINITE, "$.value: expected a finite number, got number inf"),
        (b'{"value":1' + b"0" * 400 + b"}", Reason.NOT_FINITE, "$.value: expected a finite number, got number 1000"),
        (b'{"other":1}', Reason.NO_CHANNEL, "value: expected one of the fields ['value'], got none of them"),
    ],
)
def test_a_bad_value_is_refused_by_its_reason(value: bytes | None, reason: Reason, detail: str) -> None:
    got_reason, got_detail = refusal(JsonFormat(), records_of([value]))

    assert got_reason == reason
    assert detail in got_detail
    assert len(got_detail) < 300


@pytest.mark.parametrize(
    ("key", "reason", "detail"),
    [
        (None, Reason.EMPTY_KEY, "key: expected the series, got no key"),
        (b"", Reason.EMPTY_KEY, "key: expected the series, got an empty key"),
        (b"\xc3", Reason.BAD_KEY, "key: expected the series in UTF-8, got"),
    ],
)
def test_a_bad_key_is_refused_and_its_neighbours_are_not(key: bytes | None, reason: Reason, detail: str) -> None:
    records = records_of([b'{"value":1}'] * 3, [b"a", key, b"\xa4\xc3\xa4"[1:]])

    readings, rejects = decode(JsonFormat(), records)

    assert readings.series.tolist() == ["a", "ä"]
    assert rejects.reason == [reason]
    assert detail in rejects.detail[0]


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (b'{"value":1}', Reason.EMPTY_KEY, "sensor: expected the series, got nothing"),
        (b'{"sensor":null,"value":1}', Reason.EMPTY_KEY, "sensor: expected the series, got nothing"),
        (b'{"sensor":"","value":1}', Reason.EMPTY_KEY, "sensor: expected the series, got nothing"),
        (b'{"sensor":1.5,"value":1}', Reason.BAD_KEY, "$.sensor: expected a string or a whole number, got number 1.5"),
        (b'{"sensor":true,"value":1}', Reason.BAD_KEY, "$.sensor: expected a string or a whole number, got boolean"),
        (b'{"sensor":"\\ud800","value":1}', Reason.BAD_KEY, "$.sensor: expected a string or a whole number"),
    ],
)
def test_a_bad_series_field_is_refused_by_its_reason(value: bytes, reason: Reason, detail: str) -> None:
    got_reason, got_detail = refusal(JsonFormat(series_field="sensor"), records_of([value]))

    assert got_reason == reason
    assert detail in got_detail


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (b'{"value":1}', "time: expected iso8601 from 1677 to 2262, got null None"),
        (b'{"time":null,"value":1}', "time: expected iso8601 from 1677 to 2262, got null None"),
        (b'{"time":"noon","value":1}', "time: expected iso8601 from 1677 to 2262, got string 'noon'"),
        (b'{"time":"9999-12-31","value":1}', "time: expected iso8601 from 1677 to 2262, got string '9999-12-31'"),
        (b'{"time":1647770400,"value":1}', "$.time: expected ISO 8601 text, got number 1647770400"),
    ],
)
def test_a_bad_timestamp_is_refused_and_says_what_came(value: bytes, detail: str) -> None:
    good = b'{"time":"2022-03-20","value":2}'

    readings, rejects = decode(JsonFormat(timestamp_field="time"), records_of([good, value, good]))

    assert readings.offset.tolist() == [100, 104]
    assert rejects.reason == [Reason.BAD_TIMESTAMP]
    assert rejects.detail == [detail]


def test_a_record_without_a_timestamp_is_refused_where_the_record_should_have_one() -> None:
    reason, detail = refusal(JsonFormat(), records_of([b'{"value":1}'], timestamp_ms=[-1]))

    assert reason == Reason.BAD_TIMESTAMP
    assert detail == "record: expected a timestamp of its own in ms, got number -1"


def test_a_reject_carries_its_record_whole() -> None:
    _, rejects = decode(JsonFormat(), records_of([b'{"value":1}', b"bad"], [b"good", b"key"]))

    assert rejects.group == "sensors"
    assert rejects.records.topic_partition == PARTITION
    assert rejects.records.offset.tolist() == rejects.offset.tolist() == [102]
    assert rejects.records.timestamp_ms.tolist() == [NOW_MS]
    assert rejects.records.key == [b"key"]
    assert rejects.records.value == [b"bad"]
    assert rejects.records.headers == [[("header", b"of record")]]


def test_a_record_is_too_large_by_its_bytes_even_where_it_would_decode() -> None:
    values = [b'{"value":1}', b'{"value": 2}', None, b'{"value":3}']

    readings, rejects = decode(JsonFormat(), records_of(values), max_record_bytes=11)

    assert readings.offset.tolist() == [100, 106]
    assert rejects.reason == [Reason.TOO_LARGE, Reason.TOMBSTONE]
    assert rejects.detail[0] == "value: expected at most 11 bytes, got 12"


def test_json_that_would_only_fit_when_joined_is_refused_record_by_record() -> None:
    values = [b'{"x":[{"y":1}', b'{"z":1}],"value":3}', b'{"value":1},{"value":2}', b'{"value":4}']

    readings, rejects = decode(JsonFormat(), records_of(values))

    assert readings.offset.tolist() == [106]
    assert rejects.reason == [Reason.MALFORMED] * 3


CSV = CsvFormat(columns=["time", "unit", "value", "other"], timestamp_field="time", timestamp_unit="seconds")


def test_a_line_of_csv_is_a_reading() -> None:
    values = [
        b"1647770400,C,1.5,2",
        b'1647770401.25,"a, ""b""", -3e2 ,\r\n',
        b"1647770402,C,,",
        b"1647770403,C,.5,+5.",
    ]

    readings, rejects = decode(CSV, records_of(values), FIELDS)

    assert len(rejects) == 0
    np.testing.assert_array_equal(readings.values, [[1.5, 2], [-300, np.nan], [np.nan, np.nan], [0.5, 5]])
    assert readings.timestamp.tolist() == [
        1_647_770_400_000_000_000,
        1_647_770_401_250_000_000,
        1_647_770_402_000_000_000,
        1_647_770_403_000_000_000,
    ]


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (b"", Reason.MALFORMED, "value: expected 4 cells, got 1"),
        (b"1,2,3", Reason.MALFORMED, "value: expected 4 cells, got 3"),
        (b"1,C,1,2\n1,C,1,2", Reason.MALFORMED, "expected one line of CSV"),
        (b'1,"C,1,2', Reason.MALFORMED, "unexpected end of data"),
        (b"1,\xff,1,2", Reason.MALFORMED, "expected one line of CSV in UTF-8"),
        (b"1,C,x,2", Reason.WRONG_TYPE, "value: expected a number, got string 'x'"),
        (b"1,C,1_000,2", Reason.WRONG_TYPE, "value: expected a number, got string '1_000'"),
        (b"1,C,1,nan", Reason.NOT_FINITE, "other: expected a finite number, got string 'nan'"),
        (b"1,C,-Infinity,1", Reason.NOT_FINITE, "value: expected a finite number, got string '-Infinity'"),
        (b"1,C,1e999,1", Reason.NOT_FINITE, "value: expected a finite number, got string '1e999'"),
        (b",C,1,1", Reason.BAD_TIMESTAMP, "time: expected seconds from 1677 to 2262, got null None"),
        (b"noon,C,1,1", Reason.BAD_TIMESTAMP, "time: expected a number, got string 'noon'"),
        (b"9" * 70 + b",C,1,1", Reason.BAD_TIMESTAMP, "time: expected seconds from 1677 to 2262, got number 9999"),
        (None, Reason.TOMBSTONE, "value: expected a reading, got null"),
    ],
)
def test_a_bad_line_of_csv_is_refused_by_its_reason(value: bytes | None, reason: Reason, detail: str) -> None:
    got_reason, got_detail = refusal(CSV, records_of([value]), FIELDS)

    assert got_reason == reason
    assert detail in got_detail


def test_an_empty_cell_is_no_series() -> None:
    record_format = CsvFormat(columns=["sensor", "value"], series_field="sensor", delimiter=";")

    readings, rejects = decode(record_format, records_of([b"007;1", b";2"]))

    assert readings.series.tolist() == ["007"]
    assert rejects.reason == [Reason.EMPTY_KEY]


@pytest.mark.parametrize(
    ("record_format", "fields", "message"),
    [
        (JsonFormat(), ("value", "value"), "expected different fields for channels, series and timestamp"),
        (JsonFormat(), (), "expected different fields"),
        (JsonFormat(series_field="value"), ("value",), "got ['value', 'value']"),
        (CsvFormat(columns=["a"]), ("b",), "format.columns: expected the fields ['b'] among the columns, got ['a']"),
    ],
)
def test_fields_that_do_not_fit_the_format_are_an_error_of_the_configuration(
    record_format: Format, fields: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        Decoder("sensors", record_format, fields)

    assert message in str(error.value)
