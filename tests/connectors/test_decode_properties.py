"""Decoding: every element of every record becomes a reading or a reject, as the slow reference says."""

import json
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.columns import Records
from connectors.formats import CsvFormat, Format, JsonArrayFormat, JsonFormat
from tests.connectors.decode_reference import decode_one_by_one
from tests.connectors.decoding import FIELDS, NOW_MS, PARTITION, decode, records_of

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.sampled_from(["", "x", "2022-03-20T10:00:00Z", "2013-02-11", "\ud800", "ü"]),
)
PARTS = st.one_of(
    st.dictionaries(st.sampled_from(["value", "other", "sensor", "time", "extra"]), SCALARS),
    st.fixed_dictionaries({"value": st.floats(allow_nan=False, allow_infinity=False)}),
    SCALARS,
)
FRAGMENTS = st.sampled_from(
    [
        b'{"value":1',
        b'{"value":1},{"value":2}',
        b'"other":2}',
        b'{"x":[{"y":1}',
        b'{"z":1}],"value":3}',
        b"",
        b" ",
        b"[",
        b"]",
        b"}",
        b'{"value":1e999}',
        b'{"value":1,"value":"x"}',
        b'{"value":"x","value":1}',
        b'"\xff"',
        b'{"value":1}\n',
    ]
)
OBJECTS = st.one_of(st.none(), PARTS.map(lambda part: json.dumps(part).encode()), FRAGMENTS, st.binary(max_size=60))
ARRAYS = st.one_of(st.lists(PARTS, max_size=5).map(lambda parts: json.dumps(parts).encode()), OBJECTS)
KEYS = st.one_of(st.none(), st.sampled_from([b"", b"a", b"b\n", b"\xff", "ü".encode()]))
TIMES_MS = st.sampled_from([NOW_MS, -1, 0, 2**62])


def assert_agrees(
    record_format: JsonFormat | JsonArrayFormat, drawn: list[tuple[bytes | None, bytes | None, int]]
) -> None:
    records = records_of([value for value, _, _ in drawn], [key for _, key, _ in drawn], [time for _, _, time in drawn])

    readings, rejects = decode(record_format, records, FIELDS, max_record_bytes=200)

    got: dict[tuple[int, int], Any] = {}
    for position in range(len(readings)):
        channels = tuple(
            float(value) if present else None
            for value, present in zip(readings.values[position], readings.present[position], strict=True)
        )
        identity = (int(readings.offset[position]), int(readings.index[position]))
        got[identity] = (readings.series[position], int(readings.timestamp[position]), channels)
    for offset, index, reason in zip(rejects.offset.tolist(), rejects.index.tolist(), rejects.reason, strict=True):
        got[offset, index] = reason
    reference = decode_one_by_one(records, record_format, FIELDS, max_record_bytes=200)
    assert got == {(element.offset, element.position): element.outcome for element in reference}
    assert len(readings) + len(rejects) == len(reference)
    assert sorted(set(rejects.offset.tolist())) == rejects.records.offset.tolist()
    assert np.all(np.diff(readings.offset) >= 0)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"series_field": "sensor", "timestamp_field": "time"},
    {"timestamp_field": "time", "timestamp_unit": "seconds"},
    {"series_field": "sensor", "timestamp_field": "time", "timestamp_unit": "nanoseconds"},
]


@given(st.sampled_from(LAYOUTS), st.lists(st.tuples(OBJECTS, KEYS, TIMES_MS), max_size=8))
@example({}, [(b'{"value":1', b"a", 0), (b'"other":2}', b"a", 0), (b'{"value":1},{"value":2}', b"a", 0)])
def test_objects_are_decoded_as_if_one_by_one(
    layout: dict[str, Any], drawn: list[tuple[bytes | None, bytes | None, int]]
) -> None:
    assert_agrees(JsonFormat(**layout), drawn)


@given(st.sampled_from(LAYOUTS), st.lists(st.tuples(ARRAYS, KEYS, TIMES_MS), max_size=8))
def test_arrays_are_decoded_as_if_one_by_one(
    layout: dict[str, Any], drawn: list[tuple[bytes | None, bytes | None, int]]
) -> None:
    assert_agrees(JsonArrayFormat(**layout), drawn)


GARBAGE = st.one_of(
    st.none(), st.binary(max_size=40), st.text(alphabet='0123456789,;"\n\r.e+-naif ', max_size=30).map(str.encode)
)
FORMATS: list[Format] = [
    JsonFormat(),
    JsonArrayFormat(series_field="a"),
    CsvFormat(columns=["value", "other"]),
    CsvFormat(columns=["time", "a", "value", "other"], series_field="a", timestamp_field="time", delimiter=";"),
    CsvFormat(columns=["time", "value", "other"], timestamp_field="time", timestamp_unit="milliseconds"),
    CsvFormat(columns=["name", "x"], channel_field="name", value_field="x"),
]


@given(st.sampled_from(FORMATS), st.lists(GARBAGE, max_size=12))
def test_garbage_is_never_lost_and_never_fatal(record_format: Format, values: list[bytes | None]) -> None:
    readings, rejects = decode(record_format, records_of(values), FIELDS)

    elements = set(zip(readings.offset.tolist(), readings.index.tolist(), strict=True))
    elements |= set(zip(rejects.offset.tolist(), rejects.index.tolist(), strict=True))
    assert len(elements) == len(readings) + len(rejects)
    whole_records = {offset for offset, _ in elements}
    empty = {100 + 2 * position for position, value in enumerate(values) if value and value.strip() == b"[]"}
    assert whole_records | empty >= {100 + 2 * position for position in range(len(values))}


@given(st.lists(GARBAGE, max_size=12), st.sampled_from(FORMATS), st.integers(0, 12))
def test_a_cut_batch_decodes_to_the_same(values: list[bytes | None], record_format: Format, cut: int) -> None:
    whole = decode(record_format, records_of(values), FIELDS)
    records = records_of(values)

    first, second = (
        decode(
            record_format,
            Records(
                PARTITION,
                records.offset[part],
                records.timestamp_ms[part],
                records.key[part],
                records.value[part],
                records.headers[part],
            ),
            FIELDS,
        )
        for part in (slice(0, cut), slice(cut, None))
    )

    np.testing.assert_array_equal(whole[0].values, np.concatenate([first[0].values, second[0].values]))
    assert whole[0].timestamp.tolist() == first[0].timestamp.tolist() + second[0].timestamp.tolist()
    assert whole[1].detail == first[1].detail + second[1].detail
