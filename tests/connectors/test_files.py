"""The file sink: whole lines only, whatever an earlier process left behind."""

import json
from pathlib import Path

import pytest

from connectors.encode import Encoder
from connectors.errors import TransientError
from connectors.files import FileSink
from connectors.outputs import OutputOptions
from tests.connectors.columns_samples import results_of


def sink_in(directory: Path) -> FileSink:
    return FileSink(directory, Encoder(OutputOptions()))


def series_in(path: Path) -> list[str]:
    return [json.loads(line)["series"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_what_was_written_and_not_flushed_is_not_in_the_file(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    sink.write(results_of(["a"]))
    sink.flush()
    sink.write(results_of(["b"]))
    sink.close()

    assert series_in(tmp_path / "results.jsonl") == ["a"]


@pytest.mark.parametrize("torn", [b'{"series":"to', b"x" * 200_000])
@pytest.mark.parametrize("whole", [b"", b'{"series":"whole"}\n'])
def test_a_line_torn_by_an_earlier_process_is_cut_off(tmp_path: Path, whole: bytes, torn: bytes) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(whole + torn)
    sink = sink_in(tmp_path)

    sink.write(results_of(["new"]))
    sink.flush()
    sink.close()

    assert series_in(path) == (["whole"] if whole else []) + ["new"]


def test_a_file_that_cannot_be_written_is_named_and_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "out" / "results.jsonl"
    path.mkdir(parents=True)
    sink = sink_in(tmp_path / "out")
    sink.write(results_of(["a"]))

    with pytest.raises(TransientError) as error:
        sink.flush()
    path.rmdir()
    sink.flush()
    sink.close()

    assert str(error.value).startswith(f"{path}: expected to append and sync, got")
    assert series_in(path) == ["a"]
