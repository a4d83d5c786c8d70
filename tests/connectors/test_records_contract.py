"""docs/records: its schemas fit what is encoded, its samples are what is encoded, its examples decode as it says."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from connectors.columns import Readings, Reason, Rejects, TopicPartition
from connectors.decode import Decoder
from connectors.encode import Encoder, Message
from connectors.formats import Format
from connectors.memory import records_of
from connectors.outputs import OutputOptions, ResultsOptions
from tests.connectors.columns_samples import alarms_of, drifts_of, held_back, rejects_of, results_of, silences_of

RECORDS = Path(__file__).parents[2] / "docs" / "records"
README = (RECORDS / "README.md").read_text(encoding="utf-8")


FURTHER = "-ahead"  # ends the names of samples of a group that forecasts further than the next reading


def encoded(name: str) -> list[Message]:
    """What the samples were made of."""
    further = (2, 24) if name.endswith(FURTHER) else ()
    results = results_of(["pump-7", "pump-8", "pump-7", 'fan "ü"'], further=further)
    match name.removesuffix(FURTHER):
        case "result":
            return Encoder(OutputOptions()).encode(results)
        case "results-bulk":
            return Encoder(OutputOptions(results=ResultsOptions(form="bulk"))).encode(results)
        case "alarm":
            return Encoder(OutputOptions()).encode(alarms_of(results.take(slice(2, None))))
        case "silence":
            return Encoder(OutputOptions()).encode(silences_of(["pump-7", 'fan "ü"']))
        case "drift":
            return Encoder(OutputOptions()).encode(drifts_of(["adwin", "page_hinkley"]))
        case "dead-letter":
            values = [b'[{"value":"x"},{"value":1},{"value":NaN}]', None, b"\xff" * 20_000]
            encoder, rejects = Encoder(OutputOptions(max_message_bytes=20_000)), rejects_of(values)
            return [*encoder.encode(rejects), *encoder.encode(held_back(rejects))[:1]]
    raise ValueError(name)


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((RECORDS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


NAMES = ["result", "results-bulk", "alarm", "silence", "drift", "dead-letter"]
SAMPLES = [*NAMES, *(f"{name}{FURTHER}" for name in NAMES[:3])]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_encoded_follows_its_schema(name: str) -> None:
    check = validator(name.removesuffix(FURTHER))

    for message in encoded(name):
        check.validate(json.loads(message.value))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_refuses_a_member_that_is_missing_unknown_or_of_another_type(name: str) -> None:
    check = validator(name)
    good: dict[str, Any] = json.loads(encoded(name)[0].value)

    for member in good:
        assert not check.is_valid({other: value for other, value in good.items() if other != member}), member
        assert not check.is_valid(good | {member: {"no": ["such", "type"]}}), member
    assert not check.is_valid(good | {"unknown": 1})


@pytest.mark.parametrize("name", NAMES[:3])
def test_further_horizons_are_one_optional_member_of_numbers_of_readings(name: str) -> None:
    check = validator(name)
    plain, further = (json.loads(encoded(f"{name}{end}")[0].value) for end in ("", FURTHER))
    place, base = (further["columns"], plain["columns"]) if name == "results-bulk" else (further, plain)
    ahead = place["ahead"]

    assert {member: place[member] for member in base} == base
    assert ahead.keys() == {"2", "24"}
    assert ahead["24"].keys() == {"forecast", "lower", "upper"}
    wrongs: list[dict[str, Any]] = [
        {},
        {"soon": ahead["2"]},
        {"2": {}},
        {"2": ahead["2"] | {"unknown": ahead["2"]["forecast"]}},
    ]
    for wrong in wrongs:
        place["ahead"] = wrong
        assert not check.is_valid(further), wrong


@pytest.mark.parametrize("name", SAMPLES)
def test_the_golden_sample_is_what_is_encoded_byte_for_byte(name: str) -> None:
    golden = (RECORDS / "samples" / f"{name}.jsonl").read_bytes().splitlines()

    assert [message.value for message in encoded(name)] == golden


def test_every_reason_is_in_the_table_and_in_the_schema() -> None:
    table = set(re.findall(r"^\| `([a-z_]+)` \|", README.split("## What is refused")[1], re.MULTILINE))
    schema = json.loads((RECORDS / "dead-letter.schema.json").read_text(encoding="utf-8"))
    rejected = schema["properties"]["rejected"]["items"]["properties"]

    assert table == {reason.value for reason in Reason}
    assert set(rejected["reason"]["enum"]) == table


def examples() -> list[tuple[Format, list[bytes]]]:
    """The formats in the README, each with the records shown below it."""
    pairs = re.findall(r"```json\n(.*?)\n```\n\n```text\n(.*?)\n```", README, re.DOTALL)
    return [(msgspec.json.decode(options, type=Format), lines.encode().splitlines()) for options, lines in pairs]


def decoded(record_format: Format, lines: list[bytes]) -> tuple[Readings, Rejects]:
    records = records_of(TopicPartition("machines", 0), [(b"pump-7", line) for line in lines])
    channels = ["value"] if record_format.channel_field is None else ["temperature", "pressure"]
    return Decoder("plant", record_format, channels).decode(records)


def test_the_examples_of_input_decode_as_the_text_says() -> None:
    readings = [decoded(record_format, lines) for record_format, lines in examples()]

    assert [len(rejects) for _, rejects in readings] == [0, 0, 0, 0]
    json_objects, json_array, csv, named = (read for read, _ in readings)
    assert json_objects.timestamp.tolist() == [1_647_770_400_123_456_789, 1_647_770_401_000_000_000]
    assert json_objects.present.tolist() == [[True], [False]]
    assert json_array.series.tolist() == ["pump-7", "8"]
    assert json_array.timestamp.tolist() == [1_647_770_400_123_000_000, 1_647_770_400_123_500_000]
    assert csv.series.tolist() == ["pump-7", "pump-7"]
    assert csv.timestamp.tolist() == [1_647_770_400_000_000_000, 1_647_770_401_500_000_000]
    assert csv.present.tolist() == [[True], [False]]
    np.testing.assert_array_equal(named.values, [[20.25, np.nan], [np.nan, 3.5]])
