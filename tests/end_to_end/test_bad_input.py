"""Bad input: refused with its reason, counted, kept as a dead letter, and without a trace in any score."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.files import FileSink
from connectors.memory import MemorySource, records_of
from connectors.ports import Assigned, Ended
from streamer import config as configuration
from streamer.wiring import assemble, in_memory, make_groups, make_metrics

WHERE = TopicPartition("sensors", 0)
START_SECONDS = 1_767_600_000
GOOD_BEFORE, GOOD_AFTER = 19, 6
CONFIG = {
    "groups": [
        {
            "name": "pumps",
            "topics": ["sensors"],
            "format": {"type": "json", "timestamp_field": "time", "timestamp_unit": "seconds"},
            "channels": ["flow", "heat"],
        }
    ],
    "source": {"type": "replay", "files": [{"path": "unused", "topic": "sensors"}]},
    "sink": {"type": "discard"},
    "http": {"port": 0},
}
Row = tuple[bytes | None, bytes | None]


class Bad(NamedTuple):
    """A record that must be refused, and what must be said of it."""

    row: Row
    reason: str
    detail: str  # stands in the dead letter


@dataclass(frozen=True)
class Outcome:
    """What the daemon made of a partition."""

    results: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    samples: dict[tuple[str, ...], float]  # (metric, values of its labels in the order of their names)


def reading(number: float, **changes: Any) -> bytes:
    """A reading of the series at this second: two channels with a little movement."""
    second = int(number)
    parts = {"time": START_SECONDS + number, "flow": 20 + second % 7 / 10, "heat": 300.5 - second % 5}
    return json.dumps(parts | changes).encode()


def good(first: int, count: int) -> list[Row]:
    return [(b"pump", reading(number)) for number in range(first, first + count)]


def outcome_of(*batches: list[Row]) -> Outcome:
    """Run the daemon of `CONFIG` over these batches, one poll each, its outputs in files."""
    config = configuration.parse(CONFIG, "here")
    script: list[Any] = [Assigned((WHERE,))]
    offset = 0
    for batch in batches:
        script.append(records_of(WHERE, batch, offset, timestamp_ms=(START_SECONDS + 100) * 1000))
        offset += len(batch)
    metrics = make_metrics(config)
    with TemporaryDirectory() as folder:
        sink = FileSink(Path(folder), Encoder(config.outputs))
        groups = make_groups(config, metrics, clock=lambda: 0.0)
        daemon = assemble(config, in_memory(MemorySource([*script, Ended()]), sink), groups, metrics)
        daemon.turn_until(lambda: daemon.has_ended)  # without its server, which has nothing to do here
        sink.close()
        results, letters = (lines(Path(folder) / f"{topic}.jsonl") for topic in ("results", "dead-letters"))
    return Outcome(results, letters, samples(metrics.render(False).decode()))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def samples(page: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@cache
def undisturbed() -> list[dict[str, Any]]:
    """The results where every reading is good, without where they came from."""
    return without_origin(outcome_of(good(0, GOOD_BEFORE), good(GOOD_BEFORE + 1, GOOD_AFTER)).results)


def without_origin(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: part for name, part in result.items() if name != "offset"} for result in results]


@cache
def in_batch_of_its_own(bad: Row) -> Outcome:
    return outcome_of(good(0, GOOD_BEFORE), [bad], good(GOOD_BEFORE + 1, GOOD_AFTER))


@cache
def among_good_ones(bad: Row) -> Outcome:
    return outcome_of([*good(0, GOOD_BEFORE), bad, *good(GOOD_BEFORE + 1, GOOD_AFTER)])


NEXT = GOOD_BEFORE  # the second between the good ones: a bad reading that were taken would be in order
TOO_LARGE = reading(NEXT) + b" " * 1_048_576
BAD: dict[str, Bad] = {
    "nan": Bad((b"pump", reading(NEXT, flow=float("nan"))), "not_finite", "$.flow: expected a finite number, got"),
    "infinity": Bad((b"pump", reading(NEXT, flow=float("inf"))), "not_finite", "$.flow: expected a finite number, got"),
    "minus infinity": Bad(
        (b"pump", reading(NEXT, heat=-float("inf"))), "not_finite", "$.heat: expected a finite number"
    ),
    "beyond floats": Bad(
        (b"pump", reading(NEXT).replace(b"20.5", b"1e999")),
        "not_finite",
        "$.flow: expected a finite number, got",
    ),
    "a text for a number": Bad(
        (b"pump", reading(NEXT, flow="20.5")),
        "wrong_type",
        "$.flow: expected a number or null, got string '20.5'",
    ),
    "a boolean for a number": Bad(
        (b"pump", reading(NEXT, heat=True)), "wrong_type", "$.heat: expected a number or null"
    ),
    "an array": Bad((b"pump", b"[" + reading(NEXT) + b"]"), "wrong_type", "$: expected an object, got array"),
    "no channel": Bad(
        (b"pump", b'{"time": %d, "Flow": 20.5}' % (START_SECONDS + NEXT)),
        "no_channel",
        "expected one of the fields ['flow', 'heat'], got none of them",
    ),
    "a duplicate": Bad(
        (b"pump", reading(NEXT - 1)), "duplicate", "timestamp of series 'pump': Expected a new one, got"
    ),
    "a backward timestamp": Bad(
        (b"pump", reading(NEXT - 3.5)),
        "late",
        "timestamp of series 'pump': Expected none older than the newest scored, got 2026-01-05T08:00:15.5",
    ),
    "no timestamp": Bad(
        (b"pump", reading(NEXT, time=None)), "bad_timestamp", "time: expected seconds from 1677 to 2262"
    ),
    "a text for a time": Bad((b"pump", reading(NEXT, time="now")), "bad_timestamp", "expected"),
    "the year 2099": Bad(
        (b"pump", reading(NEXT, time=4_070_908_800)),
        "future",
        "Expected at most 3600 s after the record's own 2026-01-05T08:01:40.000000000Z, got 2099-01-01T00:00:00",
    ),
    "an empty key": Bad((b"", reading(NEXT)), "empty_key", "key: expected the series, got an empty key"),
    "no key": Bad((None, reading(NEXT)), "empty_key", "key: expected the series, got no key"),
    "a key that is not UTF-8": Bad((b"pump\xff", reading(NEXT)), "bad_key", "key: expected the series in UTF-8, got"),
    "a tombstone": Bad((b"pump", None), "tombstone", "value: expected a reading, got null"),
    "not JSON": Bad((b"pump", b"flow=20.5"), "malformed", "value: expected a JSON object, got"),
    "nothing": Bad((b"pump", b""), "malformed", "value: expected a JSON object, got"),
    "not UTF-8": Bad(
        (b"pump", reading(NEXT).decode().encode("utf-16")),
        "malformed",
        "value: expected a JSON object, got",
    ),
    "1 MiB and more": Bad(
        (b"pump", TOO_LARGE),
        "too_large",
        f"value: expected at most 1048576 bytes, got {len(TOO_LARGE)}",
    ),
}
one_of_each = pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
in_any_batch = pytest.mark.parametrize("arrived", [in_batch_of_its_own, among_good_ones])


@one_of_each
def test_a_bad_reading_is_a_dead_letter_that_says_why(bad: Bad) -> None:
    (letter,) = among_good_ones(bad.row).dead_letters

    (rejected,) = letter["rejected"]
    assert (rejected["reason"], rejected["index"]) == (bad.reason, 0)
    assert bad.detail in rejected["detail"]
    assert (letter["topic"], letter["partition"], letter["offset"]) == (*WHERE, GOOD_BEFORE)


@one_of_each
def test_a_dead_letter_holds_the_bytes_that_came(bad: Bad) -> None:
    (letter,) = in_batch_of_its_own(bad.row).dead_letters

    key, value = bad.row
    assert letter["key_base64"] == (None if key is None else base64.b64encode(key).decode())
    assert letter["truncated"] is (bad.reason == "too_large")
    if value is None:
        assert (letter["value_base64"], letter["value_bytes"], letter["value_sha256"]) == (None, None, None)
    else:
        assert base64.b64decode(letter["value_base64"]) == (value[:4096] if letter["truncated"] else value)
        assert letter["value_bytes"] == len(value)
        assert letter["value_sha256"] == hashlib.sha256(value).hexdigest()


@one_of_each
@in_any_batch
def test_the_books_balance(bad: Bad, arrived: Callable[[Row], Outcome]) -> None:
    counted = arrived(bad.row).samples

    rejected = {key[2]: value for key, value in counted.items() if key[0] == "streamer_readings_rejected_total"}
    assert {name: value for name, value in rejected.items() if value} == {bad.reason: 1}
    assert counted["streamer_readings_read_total", "pumps"] == GOOD_BEFORE + 1 + GOOD_AFTER
    assert counted["streamer_readings_scored_total", "pumps"] == GOOD_BEFORE + GOOD_AFTER


@one_of_each
@in_any_batch
def test_good_readings_are_scored_as_if_the_bad_one_had_never_been_there(
    bad: Bad, arrived: Callable[[Row], Outcome]
) -> None:
    """To the last digit: JSON carries the shortest digits that name a number."""
    assert without_origin(arrived(bad.row).results) == undisturbed()


def test_a_missing_channel_is_scored_without_it_and_counted() -> None:
    outcome = among_good_ones((b"pump", reading(NEXT, heat=None)))

    assert outcome.dead_letters == []
    result = outcome.results[NEXT]
    assert (result["value"], result["shares"]["heat"]) == ({"flow": 20.5, "heat": None}, 0)
    assert result["anomaly_score"] is not None
    assert outcome.samples["streamer_channels_missing_total", "pumps"] == 1


def test_a_value_of_1_mib_is_scored() -> None:
    value = reading(NEXT)

    outcome = among_good_ones((b"pump", value + b" " * (1_048_576 - len(value))))

    assert outcome.dead_letters == []
    assert len(outcome.results) == GOOD_BEFORE + 1 + GOOD_AFTER


def test_another_reading_of_the_same_instant_is_no_duplicate() -> None:
    outcome = among_good_ones((b"pump", reading(NEXT - 1, flow=20.75)))

    assert outcome.dead_letters == []
    assert outcome.results[NEXT]["value"]["flow"] == 20.75


def test_a_partition_of_nothing_but_bad_records_goes_on() -> None:
    outcome = outcome_of([bad.row for bad in BAD.values()])

    rejected = sum(value for key, value in outcome.samples.items() if key[0] == "streamer_readings_rejected_total")
    read, scored = (outcome.samples[f"streamer_readings_{what}_total", "pumps"] for what in ("read", "scored"))
    assert (read, read - scored) == (len(BAD), rejected)
    assert len(outcome.dead_letters) == rejected
    assert len(outcome.results) == scored
