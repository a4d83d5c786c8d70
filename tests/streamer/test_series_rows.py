"""Rows on the host: series keep theirs until it is released, and columns grow with their initial values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.series_rows import HostColumns, Names, SeriesRows


def given_out(*names: str) -> SeriesRows:
    rows = SeriesRows()
    rows.of(np.array(names, dtype=object))
    return rows


def test_series_get_rows_in_order_of_appearance_and_keep_them() -> None:
    seen: list[str] = []
    rows = SeriesRows(seen.extend)

    first = rows.of(np.array(["b", "a", "b"], dtype=object))
    second = rows.of(np.array(["c", "a"], dtype=object))

    assert first.tolist() == [1, 2, 1]
    assert second.tolist() == [3, 2]
    assert rows.names(np.array([1, 2, 3])) == seen == ["b", "a", "c"]
    assert len(rows) == 3
    assert rows.height == 4


def test_released_rows_are_given_out_again_the_lowest_first() -> None:
    rows = given_out("a", "b", "c", "d")
    rows.release(np.array([3, 1]))

    given_again = rows.of(np.array(["e", "d", "f", "g"], dtype=object))

    assert given_again.tolist() == [1, 4, 3, 5]
    assert rows.names(rows.live()) == ["e", "b", "f", "d", "g"]


def test_a_series_that_comes_back_has_appeared_anew() -> None:
    seen: list[str] = []
    rows = SeriesRows(seen.extend)
    rows.of(np.array(["a"], dtype=object))

    rows.release(np.array([1]))
    rows.of(np.array(["a"], dtype=object))

    assert seen == ["a", "a"]


def test_a_released_row_is_live_no_more_but_still_has_its_place() -> None:
    rows = given_out("a", "b", "c")

    rows.release(np.array([2]))

    assert rows.live().tolist() == [1, 3]
    assert "b" not in rows
    assert "c" in rows
    assert len(rows) == 2
    assert rows.height == 4


def test_finding_gives_no_row_to_anybody() -> None:
    rows = given_out("a", "b")

    found = rows.find(["b", "stranger", "a"])

    assert found.tolist() == [2, 1]
    assert len(rows) == 2


def test_a_row_cannot_be_released_twice() -> None:
    rows = given_out("a")
    rows.release(np.array([1]))

    with pytest.raises(KeyError):
        rows.release(np.array([1]))


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abcdefgh"), min_size=1)), max_size=20))
def test_whatever_comes_and_goes_every_series_has_one_row_of_its_own(steps: list[tuple[bool, set[str]]]) -> None:
    rows, expected, most = SeriesRows(), set[str](), 0
    kept: list[tuple[Names, list[str]]] = []

    for comes, names in steps:
        if comes:
            rows.of(np.array(sorted(names), dtype=object))
            expected |= names
        else:
            rows.release(rows.find(sorted(names)))
            expected -= names
        most = max(most, len(expected))

        live = rows.live()
        assert sorted(rows.names(live)) == sorted(expected)
        assert live.tolist() == sorted(set(rows.of(np.array(sorted(expected), dtype=object)).tolist()))
        assert rows.height == most + 1
        kept.append((rows.names_for_good(live), rows.names(live)))
    for then, were in kept:
        assert (len(then), then[:], list(then)) == (len(were), were, were)


def test_host_columns_grow_with_their_initial_values() -> None:
    columns = HostColumns({"last": np.array(-5), "values": np.full(3, np.nan)})
    columns["last"][2] = 8

    columns.ensure(1000)

    assert columns["last"][2] == 8
    assert columns["last"][999] == -5
    assert columns["values"].shape[1] == 3
    assert np.isnan(columns["values"][999]).all()


def test_rows_that_are_reset_hold_the_initial_values_and_others_stay() -> None:
    columns = HostColumns({"last": np.array(-5), "values": np.full(3, np.nan)})
    columns["last"][1:4] = 8
    columns["values"][1:4] = 0

    columns.reset(np.array([1, 3]))

    assert columns["last"][1:4].tolist() == [-5, 8, -5]
    assert np.isnan(columns["values"][1:4]).all(axis=1).tolist() == [True, False, True]
