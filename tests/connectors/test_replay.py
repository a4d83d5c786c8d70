"""Replaying files: what a row becomes, that files are streamed, and what is refused."""

import builtins
import datetime
import decimal
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow
import pyarrow.parquet
import pytest

from connectors.columns import Records, TopicPartition
from connectors.errors import ConfigError
from connectors.ports import Assigned, Ended, Event
from connectors.replay import ReplayFile, ReplaySource, read_rows
from tests.contracts.cases import place


def rows_of(
    path: Path, *, raw_lines: bool = False, key: str | None = None, key_field: str | None = None
) -> list[tuple[bytes | None, bytes]]:
    return list(
        read_rows(ReplayFile(path=str(path), topic="machines", key=key, key_field=key_field), raw_lines=raw_lines)
    )


def poll(source: ReplaySource, count: int) -> list[list[Event | Records]]:
    """So many polls, in between which partitions that were assigned are placed."""
    polled = []
    for _ in range(count):
        polled.append(source.poll(0.0))
        place(source, polled[-1])
    return polled


def written(path: Path, text: bytes) -> Path:
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


CSV = b'time,name,value\n2013-02-11,pump 7,1.50\n1647770400,"a ""b"", c",\n'


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz"])
def test_rows_of_csv_become_objects_with_numbers_and_nulls(tmp_path: Path, name: str) -> None:
    rows = rows_of(written(tmp_path / name, CSV), key="pump-7")

    assert [key for key, _ in rows] == [b"pump-7"] * 2
    assert [json.loads(value) for _, value in rows] == [
        {"time": "2013-02-11", "name": "pump 7", "value": 1.5},
        {"time": 1647770400, "name": 'a "b", c', "value": None},
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0", 0),
        ("-1e3", -1000.0),
        (".5", 0.5),
        ("+5", 5.0),
        ("5.", 5.0),
        ("007", "007"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        (" 1", " 1"),
        ("0x10", "0x10"),
        ("12345678901234567890123", 12345678901234567890123),
    ],
)
def test_a_cell_is_a_number_only_where_it_reads_as_one(tmp_path: Path, cell: str, expected: Any) -> None:
    ((_, value),) = rows_of(written(tmp_path / "data.csv", f"value\n{cell}\n".encode()))

    assert json.loads(value) == {"value": expected}


def test_a_key_field_names_the_series_of_each_row(tmp_path: Path) -> None:
    csv = written(tmp_path / "data.csv", b"\xef\xbb\xbfsensor,value\r\n007,1\r\n,2\r\n")
    lines = written(tmp_path / "data.jsonl", b'{"sensor":"a"}\n{"sensor":7}\n{"value":1}\n\nno json\n')

    assert [key for key, _ in rows_of(csv, key_field="sensor")] == [b"007", b""]
    assert [key for key, _ in rows_of(lines, key_field="sensor")] == [b"a", b"7", None, None]


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson.gz"])
def test_lines_of_json_pass_as_they_are(tmp_path: Path, name: str) -> None:
    lines = [b'{"value": 1.50 }', b'{"value":NaN}', b"no \xff json"]

    rows = rows_of(written(tmp_path / name, b"\n".join(lines) + b"\n"))

    assert rows == [(None, line) for line in lines]


def test_a_row_that_does_not_fit_its_header_stays_a_line_for_the_decoder_to_refuse(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path / "data.csv", b"a,b\n1\n1,2,3\n1,\xff\n\n1,2\n"))

    assert [value for _, value in rows] == [b"1", b"1,2,3", b"1,\xff", b'{"a":1,"b":2}']


def test_raw_lines_of_csv_pass_as_they_are_without_the_header(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path / "data.csv.gz", CSV), raw_lines=True, key_field="name")

    assert rows == [(b"pump 7", b"2013-02-11,pump 7,1.50"), (b'a "b", c', b'1647770400,"a ""b"", c",')]


def test_rows_of_parquet_become_objects(tmp_path: Path) -> None:
    noon = 1_647_770_400_123_456_789
    table = pyarrow.table(
        {
            "sensor": pyarrow.array(["a", None]),
            "time": pyarrow.array([noon, None], pyarrow.timestamp("ns", tz="Europe/Berlin")),
            "day": pyarrow.array([datetime.date(2022, 3, 20), None]),
            "value": pyarrow.array([1.5, float("nan")]),
            "price": pyarrow.array([decimal.Decimal("1.25"), None]),
            "blob": pyarrow.array([b"x", None]),
        }
    )
    path = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(table, path)

    (first_key, first), (second_key, second) = rows_of(path, key_field="sensor")

    assert (first_key, second_key) == (b"a", None)
    assert json.loads(first) == {
        "sensor": "a",
        "time": "2022-03-20T10:00:00.123456789Z",
        "day": "2022-03-20",
        "value": 1.5,
        "price": 1.25,
        "blob": "x",
    }
    assert set(json.loads(second).values()) == {None}


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "data.parquet", b"PAR1")
    plain_import = builtins.__import__

    def without_pyarrow(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return plain_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)

    with pytest.raises(ConfigError) as error:
        rows_of(path)

    assert str(error.value) == f"{path}: expected the extra `streamer[parquet]`, got no pyarrow"


@pytest.mark.parametrize(
    ("name", "text", "key_field", "message"),
    [
        ("data.txt", b"", None, "expected .csv, .jsonl or .ndjson (each also .gz), or .parquet, got 'data.txt'"),
        ("data.parquet.gz", b"", None, "or .parquet, got 'data.parquet.gz'"),
        ("data.csv", b"a,b\n", "c", "expected the key field 'c' in the header, got ['a', 'b']"),
        ("data.csv", b"a\n" + b"x" * 200_000, None, "expected CSV, got field larger than field limit"),
        ("data.parquet", b"no parquet at all", None, "expected Parquet, got"),
        ("data.csv.gz", None, None, "expected gzip, got"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(
    tmp_path: Path, name: str, text: bytes | None, key_field: str | None, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"no gzip" if text is None else text)

    with pytest.raises(ConfigError) as error:
        rows_of(path, key_field=key_field)

    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_an_absent_file_is_named_when_the_source_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: expected a data file, got none"):
        ReplaySource([ReplayFile(path=str(tmp_path / "none.csv"), topic="machines")])


def test_raw_lines_are_for_csv_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "data.jsonl", b"{}")

    with pytest.raises(ConfigError, match=r"expected CSV where lines are sent as they are, got \.jsonl"):
        rows_of(path, raw_lines=True)


def test_key_and_key_field_exclude_each_other() -> None:
    with pytest.raises(msgspec.ValidationError, match="key: expected either key or key_field"):
        msgspec.convert({"path": "x", "topic": "t", "key": "a", "key_field": "b"}, ReplayFile)


def test_two_files_of_one_topic_are_refused(tmp_path: Path) -> None:
    file = ReplayFile(path=str(written(tmp_path / "data.csv", CSV)), topic="machines")

    with pytest.raises(ConfigError, match=r"expected one file a topic, got the topics \['machines', 'machines'\]"):
        ReplaySource([file, file])


def test_files_take_turns_and_the_end_comes_once_all_are_read(tmp_path: Path) -> None:
    long = ReplayFile(path=str(written(tmp_path / "long.csv", b"v\n" + b"1\n" * 5)), topic="long")
    short = ReplayFile(path=str(written(tmp_path / "short.csv", b"v\n2\n")), topic="short")
    source = ReplaySource([long, short], batch_rows=2)

    polled = poll(source, 7)

    assert polled[0] == [Assigned((TopicPartition("long", 0), TopicPartition("short", 0)))]
    records = [entry for entries in polled for entry in entries if isinstance(entry, Records)]
    assert [(entry.topic_partition.topic, entry.offset.tolist()) for entry in records] == [
        ("long", [0, 1]),
        ("short", [0]),
        ("long", [2, 3]),
        ("long", [4]),
    ]
    assert polled[5:] == [[Ended()], []]


def test_a_file_that_is_not_placed_yet_holds_up_the_end_and_no_other(tmp_path: Path) -> None:
    first = ReplayFile(path=str(written(tmp_path / "first.csv", b"v\n1\n")), topic="first")
    second = ReplayFile(path=str(written(tmp_path / "second.csv", b"v\n2\n")), topic="second")
    source = ReplaySource([first, second])
    source.poll(0.0)
    source.seek(TopicPartition("second", 0), 0)

    polled = [source.poll(0.0) for _ in range(3)]
    source.seek(TopicPartition("first", 0), 0)
    polled += [source.poll(0.0) for _ in range(2)]

    topics = [[getattr(entry, "topic_partition", entry) for entry in entries] for entries in polled]
    assert topics == [[TopicPartition("second", 0)], [], [], [TopicPartition("first", 0)], [Ended()]]


def test_a_file_is_read_no_further_than_it_was_polled(tmp_path: Path) -> None:
    lines = b"value\n" + b"1\n" * 200_000 + b"x" * 200_000  # the last line is more than the reader takes
    file = ReplayFile(path=str(written(tmp_path / "data.csv", lines)), topic="machines")
    source = ReplaySource([file], batch_rows=10)

    first = poll(source, 3)
    source.close()

    assert sum(len(entry) for entries in first for entry in entries if isinstance(entry, Records)) == 20
