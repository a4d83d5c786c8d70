"""The options of formats and outputs refuse what cannot work, and say where, what was expected and what came."""

from typing import Any

import msgspec
import pytest

from connectors.columns import Reason
from connectors.formats import CsvFormat, Format, JsonFormat
from connectors.outputs import OutputOptions


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "Object missing required field `type`"),
        ({"type": "xml"}, "Invalid value 'xml' - at `$.type`"),
        ({"type": "json", "colour": 1}, "Object contains unknown field `colour`"),
        ({"type": "json", "timestamp_unit": "days"}, "Invalid enum value 'days' - at `$.timestamp_unit`"),
        ({"type": "json", "series_field": ""}, "series_field: expected a field name or null, got an empty text"),
        ({"type": "json", "series_field": "a", "timestamp_field": "a"}, "timestamp_field: expected another field"),
        ({"type": "csv"}, "Object missing required field `columns`"),
        ({"type": "csv", "columns": []}, "columns: expected one or more different names, got []"),
        ({"type": "csv", "columns": ["a", "a"]}, "columns: expected one or more different names, got ['a', 'a']"),
        ({"type": "csv", "columns": ["a"], "delimiter": ",,"}, "delimiter: expected one character"),
        ({"type": "csv", "columns": ["a"], "delimiter": '"'}, "delimiter: expected one character, no quote"),
        ({"type": "csv", "columns": ["a"], "delimiter": ""}, "delimiter: expected one character"),
        ({"type": "csv", "columns": ["a"], "series_field": "b"}, "series_field: expected one of the columns ['a']"),
    ],
)
def test_a_format_that_cannot_work_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(table, Format)

    assert message in str(error.value)


def test_the_type_chooses_the_format() -> None:
    assert msgspec.convert({"type": "json"}, Format) == JsonFormat()
    assert msgspec.convert({"type": "csv", "columns": ["a"]}, Format) == CsvFormat(columns=["a"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"results": {"topic": "a b"}}, "topic: expected letters, digits, '.', '_' and '-', at most 249, got 'a b'"),
        ({"results": {"topic": "../x"}}, "got '../x'"),
        ({"alarms": {"topic": ".."}}, "got '..'"),
        ({"alarms": {"topic": "results"}}, "topic: expected three different topics, got ['results', 'results', 'dead"),
        ({"results": {"form": "many"}}, "Invalid enum value 'many' - at `$.results.form`"),
        ({"dead_letters": {"count_only": ["old"]}}, "Invalid enum value 'old' - at `$.dead_letters.count_only[0]`"),
        ({"max_message_bytes": 10}, "max_message_bytes: expected at least 20000, got 10"),
        ({"mesages": {}}, "Object contains unknown field `mesages`"),
    ],
)
def test_outputs_that_cannot_work_are_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(table, OutputOptions)

    assert message in str(error.value)


def test_outputs_have_defaults() -> None:
    options = msgspec.convert({"dead_letters": {"count_only": ["late"]}}, OutputOptions)

    assert (options.results.topic, options.alarms.topic, options.dead_letters.topic) == (
        "results",
        "alarms",
        "dead-letters",
    )
    assert (options.results.form, options.results.keep, options.max_message_bytes) == ("single", "all", 900_000)
    assert options.dead_letters.count_only == [Reason.LATE]
