"""That labels mark the readings that their windows or their field say, and mistakes are told with their place."""

import re
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import ConfigError
from connectors.row_files import ReplayFile
from streamer.backtest.labels import by_field, by_windows, labels_of
from tests.streamer.backtest.histories import history


def windows(folder: Path, *rows: str, header: str = "series,start,end") -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([header, *rows]))
    return path


def marked(path: Path, series: str = "pump") -> list[int]:
    return np.flatnonzero(by_windows(path)(history(series))).tolist()


def test_a_window_marks_the_readings_of_its_series_with_both_ends(tmp_path: Path) -> None:
    path = windows(tmp_path, "pump,2026-01-01T00:03:00Z,2026-01-01T00:05:00Z", "other,2026-01-01,2026-01-02")

    assert marked(path) == [3, 4, 5]


def test_windows_may_overlap_lie_side_by_side_and_reach_beyond_the_data(tmp_path: Path) -> None:
    path = windows(
        tmp_path,
        "pump,2025-12-31,2026-01-01T00:01:00+00:00",
        "pump,2026-01-01 00:03,2026-01-01 00:06",
        "pump,2026-01-01 00:05,2026-01-01 00:07",
        "pump,2026-01-01 01:38:30,2027-01-01",
    )

    assert marked(path) == [0, 1, 3, 4, 5, 6, 7, 99]


def test_a_series_without_a_window_has_no_event(tmp_path: Path) -> None:
    assert marked(windows(tmp_path, "pump,2026-01-01,2026-01-02"), "other") == []


def test_a_file_with_a_header_alone_marks_nothing(tmp_path: Path) -> None:
    assert marked(windows(tmp_path)) == []


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["pump,1,2"], "series,from,to", "Expected the columns series, start, end, got series, from, to"),
        (["pump,2026-01-01,noon"], "series,start,end", "line 2: Expected an ISO-8601 time, got 'noon'"),
        (["pump,2026-01-02,2026-01-01"], "series,start,end", "line 2: Expected an end after the start"),
    ],
)
def test_a_mistake_in_the_windows_is_told_with_its_place(
    tmp_path: Path, rows: list[str], header: str, message: str
) -> None:
    path = windows(tmp_path, *rows, header=header)

    with pytest.raises(ConfigError, match=re.escape(f"{path}: {message}")):
        by_windows(path)


def test_labels_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: Expected a CSV file of labels, got:"):
        by_windows(tmp_path / "none.csv")


def rows_file(folder: Path, *rows: str) -> ReplayFile:
    path = folder / "rows.csv"
    path.write_text("\n".join(["value,event", *rows]))
    return ReplayFile(path=str(path), topic="readings")


def test_a_field_marks_the_rows_where_it_is_true(tmp_path: Path) -> None:
    label = by_field([rows_file(tmp_path, "1,0", "2,1", "3,", "4,true", "5,False", "6,1.0")], "event")

    assert np.flatnonzero(label(history())).tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [("1,2", "event", "Expected 0 or 1 in the field 'event', got 2"), ("1,0", "label", "Expected the field 'label'")],
)
def test_a_field_that_is_absent_or_says_something_else_is_refused(
    tmp_path: Path, row: str, field: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        by_field([rows_file(tmp_path, row)], field)


def test_windows_and_a_field_together_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Expected --labels or --label-field, got both"):
        labels_of([], windows(tmp_path), "event")
