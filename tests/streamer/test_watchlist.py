"""Which series have a row: all of a small fleet, the pinned and the recently anomalous of a large one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.watchlist import Watchlist, WatchPolicy

TABLE = ("sensors", "readings", 0)
OTHER = ("sensors", "readings", 1)


def names(count: int) -> list[str]:
    return [f"pump-{number}" for number in range(count)]


def watch(fleet: int, **policy: object) -> Watchlist:
    watchlist = Watchlist(WatchPolicy(**{"limit": 10, **policy}), now=0.0)  # type: ignore[arg-type]
    watchlist.discover(TABLE, names(fleet))
    return watchlist


def test_every_series_has_a_row_up_to_the_limit() -> None:
    watchlist = watch(fleet=10)

    assert watchlist.rows(TABLE).tolist() == list(range(10))


def test_one_series_more_than_the_limit_leaves_only_the_chosen_ones() -> None:
    watchlist = watch(fleet=11)

    assert watchlist.rows(TABLE).tolist() == []


def test_the_limit_counts_the_series_of_all_tables() -> None:
    watchlist = watch(fleet=6)
    watchlist.discover(OTHER, names(5))

    assert watchlist.rows(TABLE).tolist() == []
    assert watchlist.rows(OTHER).tolist() == []


def test_a_table_that_left_makes_room_for_the_others() -> None:
    watchlist = watch(fleet=6)
    watchlist.discover(OTHER, names(5))

    watchlist.forget(OTHER)

    assert watchlist.rows(TABLE).tolist() == list(range(6))
    assert watchlist.rows(OTHER).tolist() == []


def test_pinned_series_have_a_row_in_any_fleet() -> None:
    watchlist = watch(fleet=100, pinned=("pump-7", "pump-9?"))

    assert watchlist.rows(TABLE).tolist() == [7, 90, 91, 92, 93, 94, 95, 96, 97, 98]
    assert watchlist.refused == 1, "ten of eleven fit"


def test_a_series_pinned_and_anomalous_takes_one_seat() -> None:
    watchlist = watch(fleet=100, pinned=("pump-7",), limit=2)

    watchlist.admit(TABLE, np.array([7, 8]), now=0.0)

    assert watchlist.rows(TABLE).tolist() == [7, 8]
    assert watchlist.admitted == 1
    assert watchlist.refused == 0


def test_an_anomalous_series_stays_for_its_time_after_the_last_anomaly() -> None:
    watchlist = watch(fleet=100, stay_seconds=300.0)
    nobody = np.array([], dtype=np.int64)

    watchlist.admit(TABLE, np.array([42]), now=0.0)
    watchlist.admit(TABLE, np.array([42]), now=200.0)
    watchlist.admit(TABLE, nobody, now=500.0)
    stays = watchlist.rows(TABLE).tolist()
    watchlist.admit(TABLE, nobody, now=500.1)

    assert stays == [42]
    assert watchlist.rows(TABLE).tolist() == []


def test_whoever_has_a_row_keeps_it_when_the_page_is_full() -> None:
    watchlist = watch(fleet=100, limit=2)

    watchlist.admit(TABLE, np.array([5, 3, 9]), now=0.0)
    watchlist.admit(TABLE, np.array([9, 8]), now=1.0)

    assert watchlist.rows(TABLE).tolist() == [3, 5], "in the order they were told"
    assert watchlist.refused == 3


def test_newcomers_are_limited_by_the_hour_even_when_rows_come_free() -> None:
    watchlist = watch(fleet=100_000, limit=1_000, newcomers_per_hour=20, stay_seconds=10.0)

    for minute in range(120):
        watchlist.admit(TABLE, np.arange(minute * 50, minute * 50 + 50), now=60.0 * minute)

    assert 55 <= watchlist.admitted <= 60, "20 at once and 20 for each of two hours"
    assert watchlist.refused == 120 * 50 - watchlist.admitted


def test_nobody_is_refused_while_all_have_a_row() -> None:
    watchlist = watch(fleet=10, newcomers_per_hour=0)

    watchlist.admit(TABLE, np.arange(10), now=0.0)

    assert watchlist.refused == 0


calls = st.lists(
    st.tuples(st.sampled_from([TABLE, OTHER]), st.sets(st.integers(0, 49)), st.floats(0, 400)), max_size=30
)


@given(calls, st.integers(0, 12))
def test_the_page_never_holds_more_rows_than_the_limit(
    calls: list[tuple[tuple[str, str, int], set[int], float]], limit: int
) -> None:
    watchlist = watch(fleet=50, limit=limit, pinned=("pump-1?",))
    watchlist.discover(OTHER, names(50))
    now = 0.0

    for table, rows, passed in calls:
        now += passed
        watchlist.admit(table, np.array(sorted(rows), dtype=np.int64), now)

        assert len(watchlist.rows(TABLE)) + len(watchlist.rows(OTHER)) <= limit


@pytest.mark.parametrize("series", ["pump-1", "pump-12"])
def test_a_pattern_matches_whole_names(series: str) -> None:
    assert WatchPolicy(pinned=("pump-1", "pump-1?")).is_pinned(series)
    assert not WatchPolicy(pinned=("ump-*", "pump")).is_pinned(series)
