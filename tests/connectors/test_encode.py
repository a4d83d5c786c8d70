"""Encoding: what stands on the wire is what was in the columns, follows its schema, and equals the golden samples."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.encode import Encoder, Message
from connectors.outputs import AlarmsOptions, DeadLettersOptions, OutputOptions, ResultsOptions
from connectors.result_json import iso8601
from tests.connectors.columns_samples import (
    EXPLANATION,
    FIRST_OFFSET,
    FIRST_TIMESTAMP,
    alarms_of,
    rejects_of,
    results_of,
    silences_of,
)

SINGLE = Encoder(OutputOptions())
BULK = Encoder(OutputOptions(results=ResultsOptions(form="bulk")))


def values(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.value) for message in messages]


def test_a_result_says_what_was_read_expected_and_made_of_it() -> None:
    (message,) = SINGLE.encode(results_of(["pump-7"]))

    assert message.topic == "results"
    assert message.key == b"pump-7"
    assert json.loads(message.value) == {
        "schema_version": 1,
        "group": "plant",
        "artifact": "gru-2022.1",
        "topic": "machines",
        "partition": 3,
        "offset": FIRST_OFFSET,
        "index": 0,
        "series": "pump-7",
        "timestamp": "2022-03-20T10:00:00.123456789Z",
        "value": {"temperature": 20.1, "pressure": 120.1},
        "forecast": {"temperature": 20.1 - 0.25, "pressure": 120.1 - 0.25},
        "lower": {"temperature": 20.1 - 0.25 - 1.5, "pressure": 120.1 - 0.25 - 1.5},
        "upper": {"temperature": 20.1 - 0.25 + 1.5, "pressure": 120.1 - 0.25 + 1.5},
        "shares": {"temperature": 0.5, "pressure": 0.5},
        "anomaly_score": 0.1,
        "novelty": 0.25,
        "surge": 0.0,
        "p_value": 0.62,
        "is_anomalous": False,
        "warming": True,
    }


def test_what_is_absent_is_null_and_a_p_value_keeps_its_smallness() -> None:
    absent, anomalous = values(SINGLE.encode(results_of(["a"] * 4)))[2:]

    assert absent["value"] == {"temperature": 20.3, "pressure": None}
    assert absent["shares"] == {"temperature": 1.0, "pressure": None}
    assert anomalous["p_value"] == 3.2e-45
    assert anomalous["is_anomalous"] is True


AWKWARD = ['quote " here', "comma , here", '","', "\\", '\\","', "", "%b %s %%", "\0", "\n", "ü€😀", '["', '"]', "{}"]


@given(st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(codec="utf-8"))), min_size=1))
def test_any_series_name_survives(series: list[str]) -> None:
    single = SINGLE.encode(results_of(series))
    (bulk,) = BULK.encode(results_of(series))

    assert [message.key for message in single] == [name.encode() for name in series]
    assert [value["series"] for value in values(single)] == series
    assert json.loads(bulk.value)["columns"]["series"] == series


@given(st.sampled_from(AWKWARD), st.sampled_from(AWKWARD))
def test_any_channel_name_survives(first: str, second: str) -> None:
    channels = (first, second) if first != second else (first,)

    (value,) = values(SINGLE.encode(results_of(["a"], channels)))

    assert tuple(value["forecast"]) == channels


def test_bulk_holds_the_same_as_single() -> None:
    results = results_of(["a", "b", "a", "c", "b"])

    singles = values(SINGLE.encode(results))
    (message,) = BULK.encode(results)

    bulk = json.loads(message.value)
    assert message.key == b"machines-3"
    for position, single in enumerate(singles):
        columns = bulk["columns"]
        row = {name: columns[name][position] for name in ("series", "offset", "index", "anomaly_score", "p_value")}
        row |= {name: columns[name][position] for name in ("novelty", "surge", "is_anomalous", "warming")}
        for name in ("value", "forecast", "lower", "upper", "shares"):
            of_channels = zip(bulk["channels"], columns[name], strict=True)
            row[name] = {channel: column[position] for channel, column in of_channels}
        row |= {name: bulk[name] for name in ("schema_version", "group", "artifact", "topic", "partition")}
        assert columns["timestamp_ns"][position] == FIRST_TIMESTAMP + position * 1_000_000_000
        assert row == {name: part for name, part in single.items() if name != "timestamp"}


def test_bulk_is_split_so_that_every_message_fits_and_nothing_is_lost() -> None:
    encoder = Encoder(OutputOptions(results=ResultsOptions(form="bulk"), max_message_bytes=20_000))
    series = [f"series-{number:05d}" + "x" * (number % 90) for number in range(1_000)]

    messages = encoder.encode(results_of(series))

    assert max(len(message.key or b"") + len(message.value) for message in messages) <= 20_000
    assert [name for value in values(messages) for name in value["columns"]["series"]] == series


def test_a_single_reading_is_never_split() -> None:
    encoder = Encoder(OutputOptions(results=ResultsOptions(form="bulk"), max_message_bytes=20_000))

    messages = encoder.encode(results_of(["a" * 30_000, "b"]))

    assert [value["columns"]["series"] for value in values(messages)] == [["a" * 30_000], ["b"]]


@pytest.mark.parametrize("form", ["single", "bulk"])
def test_only_readings_with_an_open_alarm_are_kept_on_request(form: Any) -> None:
    encoder = Encoder(OutputOptions(results=ResultsOptions(form=form, keep="anomalous")))

    kept = encoder.encode(results_of(["a", "b", "c", "d"]))

    assert len(kept) == 1
    assert b'"d"' in kept[0].value
    assert encoder.encode(results_of(["a", "b"])) == []


def test_no_results_are_no_messages() -> None:
    nothing = results_of(["a"]).take(slice(0, 0))

    assert SINGLE.encode(nothing) == []
    assert BULK.encode(nothing) == []
    assert SINGLE.encode(alarms_of(nothing)) == []


def test_an_alarm_is_its_result_and_more() -> None:
    results = results_of(["a", "b"])

    messages = SINGLE.encode(alarms_of(results))

    assert [message.topic for message in messages] == ["alarms"] * 2
    assert [json.loads(message.key or b"") for message in messages] == [
        {"group": "plant", "series": name, "kind": "spike"} for name in ("a", "b")
    ]
    opened, closed = values(messages)
    plain = values(SINGLE.encode(results))
    assert opened == plain[0] | {
        "alarm_id": "a/spike/2",
        "event": "opened",
        "kind": "spike",
        "severity": "info",
        "opened_timestamp": "2022-03-20T10:00:00.123456789Z",
        "peak_score": 0.2,
        "tolerance": 1.0,
        "historical": True,
        "explanation": asdict(EXPLANATION),
    }
    assert "explanation" not in closed
    assert (closed["event"], closed["opened_timestamp"]) == ("closed", "2022-03-20T09:59:01.123456789Z")
    assert closed["historical"] is False  # each by its own event time


def test_a_silence_is_an_alarm_without_a_reading() -> None:
    opened, closed = SINGLE.encode(silences_of(["a", "b"]))

    assert (opened.topic, json.loads(opened.key or b"")) == (
        "alarms",
        {"group": "plant", "series": "a", "kind": "silence"},
    )
    assert json.loads(opened.value) == {
        "schema_version": 1,
        "group": "plant",
        "topic": "machines",
        "partition": 3,
        "alarm_id": "a/silence",
        "event": "opened",
        "kind": "silence",
        "severity": "info",
        "historical": True,
        "series": "a",
        "timestamp": "2022-03-20T10:01:30.623456789Z",
        "opened_timestamp": "2022-03-20T10:01:30.623456789Z",
        "last_timestamp": "2022-03-20T10:00:00.123456789Z",
        "after_seconds": 90.5,
    }
    ended = json.loads(closed.value)
    assert (ended["event"], ended["historical"]) == ("closed", False)
    assert (ended["opened_timestamp"], ended["timestamp"]) == (
        "2022-03-20T10:01:31.623456789Z",
        "2022-03-20T10:01:32.123456789Z",
    )


def test_topics_are_what_the_options_say() -> None:
    encoder = Encoder(
        OutputOptions(
            results=ResultsOptions(topic="r"),
            alarms=AlarmsOptions(topic="a"),
            dead_letters=DeadLettersOptions(topic="d"),
        )
    )
    results = results_of(["a"])
    outputs = (results, alarms_of(results), silences_of(["a"]), rejects_of([b"x"]))

    topics = [encoder.encode(columns)[0].topic for columns in outputs]

    assert topics == ["r", "a", "a", "d"]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), max_size=5))
def test_times_are_written_with_nine_digits_and_can_be_read_back(timestamps: list[int]) -> None:
    written = iso8601(np.array(timestamps, dtype=np.int64))

    assert all(text.endswith(b"Z") and len(text) == 30 for text in written)
    assert [int(np.datetime64(text[:-1].decode(), "ns").astype(np.int64)) for text in written] == timestamps
