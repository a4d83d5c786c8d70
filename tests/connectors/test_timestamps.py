"""Timestamps: what is read, what is refused, and that company changes nothing."""

import datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.formats import TimestampUnit
from connectors.timestamps import from_record_milliseconds, parse_epochs, parse_iso8601

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def nanoseconds(moment: datetime.datetime) -> int:
    return (moment - EPOCH) // datetime.timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2013-02-11", 1_360_540_800_000_000_000),
        ("2022-03-20T10:00:00Z", 1_647_770_400_000_000_000),
        ("2022-03-20 10:00", 1_647_770_400_000_000_000),
        ("2022-03-20t10:00:00z", 1_647_770_400_000_000_000),
        ("2022-03-20T10:00:00", 1_647_770_400_000_000_000),
        ("2022-03-20T11:00:00.123456789+01:00", 1_647_770_400_123_456_789),
        ("2022-03-20T05:30:00.5-0430", 1_647_770_400_500_000_000),
        ("2022-03-20T11:00:00,25+01", 1_647_770_400_250_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000_000),
    ],
)
def test_iso8601_is_read_to_the_nanosecond(text: str, expected: int) -> None:
    timestamp, valid = parse_iso8601([text])

    assert valid.tolist() == [True]
    assert timestamp.tolist() == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2022-03-20T10",
        "2022-02-29",
        "2022-13-01",
        "2022-00-10",
        "0000-01-01",
        "2022-03-20T24:00:00Z",
        "2022-03-20T10:60:00Z",
        "2022-03-20T10:00:60Z",
        "2022-03-20T10:00:00+25:00",
        "2022-03-20T10:00:00.1234567890Z",
        "2022-03-20Z",
        "1647770400",
        "9999-12-31T00:00:00Z",
        "1600-01-01T00:00:00Z",
        "\uff12\uff10\uff12\uff12-03-20",
        "2022-03-20T10:00:00Z\n",
    ],
)
def test_what_is_no_iso8601_in_the_range_of_int64_is_refused(text: str) -> None:
    timestamp, valid = parse_iso8601([text, "2013-02-11", text])

    assert valid.tolist() == [False, True, False]
    assert timestamp.tolist() == [0, 1_360_540_800_000_000_000, 0]


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime.datetime(1678, 1, 1), datetime.datetime(2261, 12, 31), timezones=ZONES)  # noqa: DTZ001


@given(st.lists(MOMENTS, max_size=20))
def test_iso8601_agrees_with_the_standard_library(moments: list[datetime.datetime]) -> None:
    timestamp, valid = parse_iso8601([moment.isoformat() for moment in moments])

    assert valid.all()
    assert timestamp.tolist() == [nanoseconds(moment) for moment in moments]


DIGITS_AND_MARKS = st.one_of(
    MOMENTS.map(lambda moment: moment.isoformat()),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    ),
    st.text(alphabet="0123456789-:TZ+.é?\ud800", max_size=30),
)


@given(st.lists(DIGITS_AND_MARKS, max_size=30))
@example(["2022-03-20T10:00:0é", "2022-03-20T10:00:0?", "2022-03-20T10:00:00"])
def test_a_text_is_read_the_same_alone_and_in_company(texts: list[str]) -> None:
    timestamp, valid = parse_iso8601(texts)

    alone = [parse_iso8601([text]) for text in texts]
    assert timestamp.tolist() == [int(one[0]) for one, _ in alone]
    assert valid.tolist() == [bool(one[0]) for _, one in alone]


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (1_647_770_400, "seconds", 1_647_770_400_000_000_000),
        (1_647_770_400.123, "seconds", 1_647_770_400_123_000_000),
        (1_647_770_400_123, "milliseconds", 1_647_770_400_123_000_000),
        (1_647_770_400_123.456, "milliseconds", 1_647_770_400_123_456_000),
        (1_647_770_400_123_456, "microseconds", 1_647_770_400_123_456_000),
        (1_647_770_400_123_456_789, "nanoseconds", 1_647_770_400_123_456_789),
        (1234.0, "nanoseconds", 1234),
        (-0.5, "seconds", -500_000_000),
    ],
)
def test_epochs_are_read_in_their_unit(number: int | float, unit: TimestampUnit, expected: int) -> None:
    timestamp, valid = parse_epochs([number], unit)

    assert valid.tolist() == [True]
    assert timestamp.tolist() == [expected]


@pytest.mark.parametrize("number", [10**19, -(10**19), 10**400, 1e300, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds", "nanoseconds"])
def test_numbers_outside_int64_are_refused(number: int | float, unit: TimestampUnit) -> None:
    timestamp, valid = parse_epochs([number, 1], unit)

    assert valid.tolist() == [False, True]
    assert timestamp[0] == 0


NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.integers(0, 2_000_000_000_000), st.floats())


@given(
    st.one_of(st.lists(NUMBERS), st.lists(st.floats()), st.lists(st.integers())),
    st.sampled_from(["seconds", "milliseconds", "microseconds", "nanoseconds"]),
)
def test_a_number_is_read_the_same_alone_and_in_company(numbers: list[int | float], unit: TimestampUnit) -> None:
    timestamp, valid = parse_epochs(numbers, unit)

    alone = [parse_epochs([number], unit) for number in numbers]
    assert timestamp.tolist() == [int(one[0]) for one, _ in alone]
    assert valid.tolist() == [bool(one[0]) for _, one in alone]


def test_a_record_without_a_timestamp_of_its_own_is_refused() -> None:
    timestamp, valid = from_record_milliseconds(np.array([1_647_770_400_123, -1, 2**62]))

    assert timestamp.tolist() == [1_647_770_400_123_000_000, 0, 0]
    assert valid.tolist() == [True, False, False]
