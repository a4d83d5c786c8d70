"""What every sink must do, whatever is behind it: the contract of `connectors.ports.Sink`."""

import base64
import importlib
import json
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest

from connectors.encode import Encoder
from connectors.outputs import OutputOptions, ResultsOptions
from connectors.ports import Sink
from tests.connectors.columns_samples import alarms_of, rejects_of, results_of
from tests.contracts.cases import SinkCase

KINDS = ["memory", "file", pytest.param("kafka", marks=pytest.mark.kafka)]
SERIES = ["a", "b", 'quote " and ü', "a", "b", "a"] * 20


def encoder(form: Literal["single", "bulk"] = "single") -> Encoder:
    return Encoder(OutputOptions(results=ResultsOptions(form=form)))


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest) -> SinkCase:
    parts = importlib.import_module(f"tests.contracts.{request.param}_parts")
    made: SinkCase = getattr(parts, f"{request.param}_sink_case")(request)
    return made


@pytest.fixture
def sink(case: SinkCase) -> Iterator[Sink]:
    opened = case.open(encoder())
    yield opened
    opened.close()


def values(case: SinkCase, topic: str) -> list[dict[str, Any]]:
    """Every value that is durable; a torn one would not parse."""
    return [json.loads(value) for _, value in case.messages(topic)]


def test_results_are_readable_after_a_flush_in_order_per_series(case: SinkCase, sink: Sink) -> None:
    results = results_of(SERIES)

    sink.write(results.take(slice(0, 50)))
    sink.write(results.take(slice(50, None)))
    sink.flush()

    written = values(case, "results")
    for name in set(SERIES):
        of_series = [value for value in written if value["series"] == name]
        where = np.flatnonzero(results.readings.series == name)
        assert [(value["offset"], value["index"]) for value in of_series] == [
            (int(results.readings.offset[position]), int(results.readings.index[position])) for position in where
        ]
        temperatures = [value["value"]["temperature"] for value in of_series]
        assert temperatures == results.value[where, 0].tolist()
    assert len(written) == len(SERIES)


def test_bulk_results_are_readable_after_a_flush(case: SinkCase) -> None:
    sink = case.open(encoder("bulk"))
    results = results_of(SERIES)

    sink.write(results)
    sink.flush()
    sink.close()

    (written,) = values(case, "results")
    assert written["columns"]["series"] == SERIES
    assert written["columns"]["offset"] == results.readings.offset.tolist()
    assert written["columns"]["value"][0] == results.value[:, 0].tolist()


def test_alarms_and_dead_letters_go_to_their_own_topics(case: SinkCase, sink: Sink) -> None:
    poison = b'{"value":\xff'

    sink.write(alarms_of(results_of(["a", "b"])))
    sink.write(rejects_of([poison, b"[]"]))
    sink.flush()

    assert [alarm["series"] for alarm in values(case, "alarms")] == ["a", "b"]
    letters = values(case, "dead-letters")
    assert [base64.b64decode(letter["value_base64"]) for letter in letters] == [poison, b"[]"]
    assert values(case, "results") == []


def test_keys_are_kept_where_the_kind_has_keys(case: SinkCase, sink: Sink) -> None:
    sink.write(results_of(["ü", "b"]))
    sink.flush()

    keys = [key for key, _ in case.messages("results")]

    assert keys == (["ü".encode(), b"b"] if case.keeps_keys else [None, None])


def test_a_second_flush_writes_nothing_again(case: SinkCase, sink: Sink) -> None:
    sink.write(results_of(["a"]))
    sink.flush()
    sink.flush()

    assert len(values(case, "results")) == 1


def test_a_new_sink_adds_to_what_an_earlier_one_wrote(case: SinkCase, sink: Sink) -> None:
    sink.write(results_of(["a"]))
    sink.flush()
    sink.close()
    second = case.open(encoder())

    second.write(results_of(["b"]))
    second.flush()
    second.close()

    assert [value["series"] for value in values(case, "results")] == ["a", "b"]


def test_a_dead_letter_of_a_megabyte_arrives_cut(case: SinkCase, sink: Sink) -> None:
    sink.write(rejects_of([b"x" * 2_000_000]))
    sink.flush()

    (letter,) = values(case, "dead-letters")
    assert letter["truncated"]
    assert letter["value_bytes"] == 2_000_000


def test_a_sink_may_be_closed_twice(sink: Sink) -> None:
    sink.write(results_of(["a"]))

    sink.close()
    sink.close()
