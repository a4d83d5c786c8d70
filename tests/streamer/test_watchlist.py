"""Which series have a row: all of a small fleet, the pinned and the recently anomalous of a large one."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.watchlist import Watchlist, WatchPolicy

TABLE = ("sensors", "readings", 0)
OTHER = ("sensors", "readings", 1)


def names(count: int) -> list[str]:
    return pumps(range(count))


def pumps(numbers: Iterable[int]) -> list[str]:
    return [f"pump-{number}" for number in numbers]


def watch(fleet: int, **policy: object) -> Watchlist:
    watchlist = Watchlist(WatchPolicy(**{"limit": 10, **policy}), now=0.0)  # type: ignore[arg-type]
    watchlist.count(TABLE, fleet, names(fleet), [])
    return watchlist


def test_every_series_has_a_row_up_to_the_limit() -> None:
    watchlist = watch(fleet=10)

    assert watchlist.shows_all


def test_one_series_more_than_the_limit_leaves_only_the_chosen_ones() -> None:
    watchlist = watch(fleet=11)

    assert not watchlist.shows_all
    assert watchlist.watched(TABLE) == []


def test_the_limit_counts_the_series_of_all_tables() -> None:
    watchlist = watch(fleet=6)
    watchlist.count(OTHER, 5, names(5), [])

    assert not watchlist.shows_all


def test_a_table_that_left_makes_room_for_the_others() -> None:
    watchlist = watch(fleet=6)
    watchlist.count(OTHER, 5, names(5), [])

    watchlist.forget(OTHER)

    assert watchlist.shows_all


def test_pinned_series_have_a_row_in_any_fleet() -> None:
    watchlist = watch(fleet=100, pinned=("pump-7", "pump-9?"))

    assert watchlist.watched(TABLE) == pumps([7, *range(90, 99)])
    assert watchlist.refused == 1, "ten of eleven fit"


def test_a_series_pinned_and_anomalous_takes_one_seat() -> None:
    watchlist = watch(fleet=100, pinned=("pump-7",), limit=2)

    watchlist.admit(TABLE, pumps([7, 8]), now=0.0)

    assert watchlist.watched(TABLE) == pumps([7, 8])
    assert watchlist.admitted == 1
    assert watchlist.refused == 0


def test_an_anomalous_series_stays_for_its_time_after_the_last_anomaly() -> None:
    watchlist = watch(fleet=100, stay_seconds=300.0)

    watchlist.admit(TABLE, pumps([42]), now=0.0)
    watchlist.admit(TABLE, pumps([42]), now=200.0)
    watchlist.admit(TABLE, [], now=500.0)
    stays = watchlist.watched(TABLE)
    watchlist.admit(TABLE, [], now=500.1)

    assert stays == ["pump-42"]
    assert watchlist.watched(TABLE) == []


def test_whoever_has_a_row_keeps_it_when_the_page_is_full() -> None:
    watchlist = watch(fleet=100, limit=2)

    watchlist.admit(TABLE, pumps([5, 3, 9]), now=0.0)
    watchlist.admit(TABLE, pumps([9, 8]), now=1.0)

    assert watchlist.watched(TABLE) == pumps([5, 3]), "in the order they were told"
    assert watchlist.refused == 3


def test_newcomers_are_limited_by_the_hour_even_when_rows_come_free() -> None:
    watchlist = watch(fleet=100_000, limit=1_000, newcomers_per_hour=20, stay_seconds=10.0)

    for minute in range(120):
        watchlist.admit(TABLE, pumps(range(minute * 50, minute * 50 + 50)), now=60.0 * minute)

    assert 55 <= watchlist.admitted <= 60, "20 at once and 20 for each of two hours"
    assert watchlist.refused == 120 * 50 - watchlist.admitted


def test_nobody_is_refused_while_all_have_a_row() -> None:
    watchlist = watch(fleet=10, newcomers_per_hour=0)

    watchlist.admit(TABLE, names(10), now=0.0)

    assert watchlist.refused == 0


def test_a_series_that_left_gives_its_place_to_others() -> None:
    watchlist = watch(fleet=100, limit=2, pinned=("pump-1",))
    watchlist.admit(TABLE, ["pump-5"], now=0.0)

    watchlist.count(TABLE, 98, arrived=[], gone=["pump-1", "pump-5", "pump-6"])
    left = watchlist.watched(TABLE)
    watchlist.admit(TABLE, ["pump-7", "pump-8"], now=1.0)

    assert left == []
    assert watchlist.watched(TABLE) == ["pump-7", "pump-8"]


def test_a_pinned_series_that_comes_back_has_a_row_again() -> None:
    watchlist = watch(fleet=100, limit=1, pinned=("pump-1",))

    watchlist.count(TABLE, 99, arrived=[], gone=["pump-1"])
    watchlist.count(TABLE, 100, arrived=["pump-1"], gone=[])
    watchlist.count(TABLE, 100, arrived=["pump-1"], gone=[])

    assert watchlist.watched(TABLE) == ["pump-1"]
    assert watchlist.refused == 0


def test_a_fleet_that_shrinks_to_the_limit_is_shown_whole_again() -> None:
    watchlist = watch(fleet=11)

    watchlist.count(TABLE, 10, arrived=[], gone=["pump-0"])

    assert watchlist.shows_all


calls = st.lists(
    st.tuples(st.sampled_from([TABLE, OTHER]), st.sets(st.integers(0, 49)), st.floats(0, 400)), max_size=30
)


@given(calls, st.integers(0, 12))
def test_the_page_never_holds_more_rows_than_the_limit(
    calls: list[tuple[tuple[str, str, int], set[int], float]], limit: int
) -> None:
    watchlist = watch(fleet=50, limit=limit, pinned=("pump-1?",))
    watchlist.count(OTHER, 50, names(50), [])
    now = 0.0

    for table, rows, passed in calls:
        now += passed
        watchlist.admit(table, pumps(sorted(rows)), now)

        assert len(watchlist.watched(TABLE)) + len(watchlist.watched(OTHER)) <= limit


@pytest.mark.parametrize("series", ["pump-1", "pump-12"])
def test_a_pattern_matches_whole_names(series: str) -> None:
    assert WatchPolicy(pinned=("pump-1", "pump-1?")).is_pinned(series)
    assert not WatchPolicy(pinned=("ump-*", "pump")).is_pinned(series)
