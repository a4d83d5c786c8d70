"""What a released version has saved loads for ever, with the numbers it had."""

import math
from pathlib import Path

import pytest

from connectors.columns import TopicPartition
from connectors.ports import StateKey
from streamer.checkpoint import FORMAT_VERSION, decode, encode
from tests.golden.make_checkpoint import golden

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_checkpoint_of_each_format_loads_with_its_numbers(version: int) -> None:
    path = HERE / f"format-{version}.checkpoint"

    checkpoint = decode(path.read_bytes(), str(path))

    assert checkpoint.key == StateKey("machines", TopicPartition("readings", 3))
    assert checkpoint.next_offset == 4711
    assert (checkpoint.artifact, checkpoint.artifact_content) == ("gru4-0123456789", bytes(range(16)))
    assert checkpoint.settings == {"cell": "gru", "alarms": {"per_day": 2.5, "pins": ["a", None, True]}}
    assert checkpoint.build == {"torch": "2.13.0", "device": "cpu"}
    assert checkpoint.counters == {"watermark": 1_700_000_000_000_000_001, "line": 0.1, "open": None}
    assert checkpoint.series == ["pump-1", "Füllstand\n2"]


def test_the_arrays_of_format_1_have_the_numbers_they_had() -> None:
    checkpoint = decode((HERE / "format-1.checkpoint").read_bytes(), "format 1")

    columns = checkpoint.columns
    assert {name: column.version for name, column in columns.items()} == {
        "hidden": 2,
        "mean": 1,
        "step": 1,
        "warming": 3,
    }
    assert columns["hidden"].values.tolist() == [[0.5, -0.25], [pytest.approx(1e-30, rel=1e-7), 3.0]]
    assert columns["mean"].values[0] == 0.1
    assert math.isnan(columns["mean"].values[1])
    assert columns["step"].values.tolist() == [[[7]], [[-1]]]
    assert columns["warming"].values.tolist() == [True, False]
    assert checkpoint.shared["pool"].tolist() == [2**40, 0, -1]
    assert checkpoint.shared["bits"].tolist() == [[1, 255]]
    arrays = {name: column.values for name, column in columns.items()} | checkpoint.shared
    assert {name: str(values.dtype) for name, values in arrays.items()} == {
        "hidden": "float32",
        "mean": "float64",
        "step": "int32",
        "warming": "bool",
        "pool": "int64",
        "bits": "uint8",
    }


def test_what_is_written_changes_only_with_the_version_of_the_format() -> None:
    written = b"".join(encode(golden()))

    assert written == (HERE / f"format-{FORMAT_VERSION}.checkpoint").read_bytes()
