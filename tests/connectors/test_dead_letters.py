"""Dead letters: whatever was refused is told with bytes, origin and reasons, and always fits."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connectors.columns import Reason, Rejects
from connectors.encode import Encoder, Message
from connectors.outputs import DeadLettersOptions, OutputOptions
from tests.connectors.columns_samples import FIRST_OFFSET, FIRST_TIMESTAMP, rejects_of

SINGLE = Encoder(OutputOptions())


def values(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.value) for message in messages]


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
