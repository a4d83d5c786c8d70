"""Rows on the host: series keep theirs, and columns grow with their initial values."""

import numpy as np

from streamer.series_rows import HostColumns, SeriesRows


def test_series_get_rows_in_order_of_appearance_and_keep_them() -> None:
    seen: list[str] = []
    rows = SeriesRows(seen.append)

    first = rows.of(np.array(["b", "a", "b"], dtype=object))
    second = rows.of(np.array(["c", "a"], dtype=object))

    assert first.tolist() == [1, 2, 1]
    assert second.tolist() == [3, 2]
    assert rows.keys == seen == ["b", "a", "c"]
    assert len(rows) == 4


def test_host_columns_grow_with_their_initial_values() -> None:
    columns = HostColumns({"last": np.array(-5), "values": np.full(3, np.nan)})
    columns["last"][2] = 8

    columns.ensure(1000)

    assert columns["last"][2] == 8
    assert columns["last"][999] == -5
    assert columns["values"].shape[1] == 3
    assert np.isnan(columns["values"][999]).all()
