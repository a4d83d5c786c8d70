"""Encoding: what stands on the wire is what was in the columns, follows its schema, and equals the golden samples."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Reason, Rejects
from connectors.encode import Encoder, Message
from connectors.outputs import AlarmsOptions, DeadLettersOptions, OutputOptions, ResultsOptions
from connectors.result_json import iso8601
from tests.connectors.columns_samples import FIRST_OFFSET, FIRST_TIMESTAMP, alarms_of, rejects_of, results_of

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
        row |= {name: columns[name][position] for name in ("is_anomalous", "warming")}
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
        "opened_timestamp": "2022-03-20T10:00:00.123456789Z",
        "peak_score": 0.2,
    }
    assert (closed["event"], closed["opened_timestamp"]) == ("closed", "2022-03-20T09:59:01.123456789Z")


def test_topics_are_what_the_options_say() -> None:
    encoder = Encoder(
        OutputOptions(
            results=ResultsOptions(topic="r"),
            alarms=AlarmsOptions(topic="a"),
            dead_letters=DeadLettersOptions(topic="d"),
        )
    )
    results = results_of(["a"])

    topics = [encoder.encode(columns)[0].topic for columns in (results, alarms_of(results), rejects_of([b"x"]))]

    assert topics == ["r", "a", "d"]


def test_a_dead_letter_carries_the_whole_record_and_all_its_reasons() -> None:
    value = b'[{"t":"x"},1,{"t":NaN}]\xff'

    (message,) = SINGLE.encode(rejects_of([value]))

    assert message.topic == "dead-letters"
    assert message.key == b"pump-7"
    letter = json.loads(message.value)
    assert base64.b64decode(letter.pop("value_base64")) == value
    assert letter == {
        "schema_version": 1,
        "group": "plant",
        "topic": "machines",
        "partition": 3,
        "offset": FIRST_OFFSET,
        "timestamp_ms": FIRST_TIMESTAMP // 1_000_000,
        "record_absent": False,
        "key_base64": base64.b64encode(b"pump-7").decode(),
        "value_bytes": len(value),
        "value_sha256": hashlib.sha256(value).hexdigest(),
        "truncated": False,
        "headers": [["trace", base64.b64encode(b"\x00\xff").decode()]],
        "rejected": [
            {"index": 0, "reason": "wrong_type", "detail": "$[0].t: expected a number or null, got string 'x'"},
            {"index": 2, "reason": "not_finite", "detail": "$[0].t: expected a number or null, got string 'x'"},
        ],
        "rejected_total": 2,
    }


def test_a_dead_letter_of_a_reading_that_was_held_back_says_where_its_record_is() -> None:
    rejects = rejects_of([b"here", b"gone"])
    rejects = replace(rejects, offset=np.array([FIRST_OFFSET - 5, FIRST_OFFSET - 5, FIRST_OFFSET]))

    gone, here = values(SINGLE.encode(rejects))

    assert (gone["topic"], gone["partition"], gone["offset"]) == ("machines", 3, FIRST_OFFSET - 5)
    assert (gone["record_absent"], gone["truncated"]) == (True, False)
    assert [gone[name] for name in ("timestamp_ms", "key_base64", "value_base64", "headers")] == [-1, None, None, []]
    assert [reject["reason"] for reject in gone["rejected"]] == ["wrong_type", "not_finite"]
    assert (here["record_absent"], base64.b64decode(here["value_base64"])) == (False, b"here")


def test_a_tombstone_has_no_value_and_may_have_no_key() -> None:
    (message,) = SINGLE.encode(rejects_of([None], key=None))

    letter = json.loads(message.value)
    assert message.key is None
    assert [letter[name] for name in ("key_base64", "value_base64", "value_bytes", "value_sha256")] == [None] * 4
    assert letter["record_absent"] is False


@pytest.mark.parametrize("length", [0, 10_000, 700_000, 2_000_000])
@pytest.mark.parametrize("key", [None, b"k", b"k" * 1_000_000])
def test_a_dead_letter_fits_whatever_the_record_held(length: int, key: bytes | None) -> None:
    value = bytes(range(256)) * (length // 256)
    rejects = rejects_of([value], key)

    (message,) = SINGLE.encode(rejects)

    assert len(message.key or b"") + len(message.value) <= 900_000
    letter = json.loads(message.value)
    carried = base64.b64decode(letter["value_base64"])
    assert letter["truncated"] == (len(carried) < len(value) or len(message.key or b"") < len(key or b""))
    assert carried == (value[:4096] if letter["truncated"] else value)
    assert letter["value_bytes"] == len(value)
    assert letter["value_sha256"] == hashlib.sha256(value).hexdigest()


def test_a_dead_letter_of_many_reasons_and_headers_fits_and_tells_how_many_there_were() -> None:
    rejects = rejects_of([b"x"])
    count = 50_000
    rejects.records.headers[0] = [("name" * 100, b"x" * 1_000)] * 1_000
    many = Rejects(
        "plant",
        rejects.records,
        np.full(count, FIRST_OFFSET),
        np.arange(count),
        [Reason.MALFORMED] * count,
        ["detail " * 1_000] * count,
    )

    (message,) = Encoder(OutputOptions(max_message_bytes=20_000)).encode(many)

    letter = json.loads(message.value)
    assert len(message.value) <= 20_000
    assert letter["rejected_total"] == count
    assert [reject["index"] for reject in letter["rejected"]] == list(range(20))


def test_reasons_that_are_only_counted_write_nothing() -> None:
    options = DeadLettersOptions(count_only=[Reason.MALFORMED, Reason.NOT_FINITE])
    encoder = Encoder(OutputOptions(dead_letters=options))

    (message,) = encoder.encode(rejects_of([b"a", b"b", b"c"]))

    letter = json.loads(message.value)
    assert letter["offset"] == FIRST_OFFSET
    assert [reject["reason"] for reject in letter["rejected"]] == ["wrong_type"]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), max_size=5))
def test_times_are_written_with_nine_digits_and_can_be_read_back(timestamps: list[int]) -> None:
    written = iso8601(np.array(timestamps, dtype=np.int64))

    assert all(text.endswith(b"Z") and len(text) == 30 for text in written)
    assert [int(np.datetime64(text[:-1].decode(), "ns").astype(np.int64)) for text in written] == timestamps
