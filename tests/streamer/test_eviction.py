"""Eviction: the silent go, then the oldest beyond the cap, and no row number has a say in it."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Int64
from streamer.eviction import EvictionOptions, choose
from streamer.order import NEVER

SECOND_NS = 1_000_000_000


def evicted(last: dict[str, int], watermark: int, options: EvictionOptions, order: list[str] | None = None) -> set[str]:
    """The series that are evicted, whatever row each of them has: the rows are given out in this order."""
    names = order or sorted(last)
    column = np.array([NEVER, *(last[name] for name in names)], dtype=np.int64)

    def names_of(rows: Int64) -> list[str]:
        return [names[row - 1] for row in rows.tolist()]

    rows = choose(column, watermark, names_of, options)
    assert rows.tolist() == sorted(set(rows.tolist()))
    return set(names_of(rows))


def plainly_evicted(last: dict[str, int], watermark: int, options: EvictionOptions) -> set[str]:
    """The reference: the rule in its own words."""
    gone = set()
    staying = {name: at for name, at in last.items() if at != NEVER}
    for name, at in list(staying.items()):
        if options.max_silent_seconds is not None and watermark - at > options.max_silent_seconds * SECOND_NS:
            gone.add(name)
            del staying[name]
    while len(staying) > options.max_series:
        oldest = min(staying, key=lambda name: (staying[name], name))
        gone.add(oldest)
        del staying[oldest]
    return gone


fleets = st.dictionaries(
    st.text("abyzß", min_size=1, max_size=3),
    st.integers(0, 9).map(lambda second: second * SECOND_NS) | st.just(NEVER),
    max_size=20,
)


@given(fleets, st.integers(0, 12), st.none() | st.integers(1, 9), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_rule_is_that_of_the_plain_loop_whatever_the_rows(
    last: dict[str, int], watermark: int, silent: int | None, cap: int, random: object
) -> None:
    options = EvictionOptions(max_silent_seconds=silent, max_series=cap)
    order = list(last)
    random.shuffle(order)  # type: ignore[attr-defined]

    gone = evicted(last, watermark * SECOND_NS, options, order)

    assert gone == plainly_evicted(last, watermark * SECOND_NS, options)


def test_a_series_at_the_limit_of_silence_stays_and_one_beyond_it_goes() -> None:
    options = EvictionOptions(max_silent_seconds=10)

    gone = evicted({"at": 5 * SECOND_NS, "beyond": 5 * SECOND_NS - 1}, 15 * SECOND_NS, options)

    assert gone == {"beyond"}


def test_the_oldest_beyond_the_cap_go_and_the_first_names_of_equally_old_ones() -> None:
    options = EvictionOptions(max_silent_seconds=None, max_series=2)

    gone = evicted({"new": 9, "old": 1, "b": 5, "a": 5}, 9, options)

    assert gone == {"old", "a"}


@pytest.mark.parametrize("cap", range(1, 9))
def test_no_more_than_the_cap_stay(cap: int) -> None:
    last = {f"pod-{second}": second * SECOND_NS for second in range(8)}

    gone = evicted(last, 7 * SECOND_NS, EvictionOptions(max_series=cap))

    assert gone == {f"pod-{second}" for second in range(8 - cap)}


def test_the_silent_make_room_below_the_cap() -> None:
    options = EvictionOptions(max_silent_seconds=1, max_series=2)

    gone = evicted({"silent": 0, "a": 5 * SECOND_NS, "b": 5 * SECOND_NS}, 5 * SECOND_NS, options)

    assert gone == {"silent"}


def test_a_row_without_an_accepted_reading_is_left_alone_and_takes_no_place() -> None:
    options = EvictionOptions(max_silent_seconds=1, max_series=1)

    gone = evicted({"coming": NEVER, "a": 5 * SECOND_NS}, 5 * SECOND_NS, options)

    assert gone == set()


def test_event_times_at_the_edge_of_the_numbers_are_no_matter() -> None:
    options = EvictionOptions(max_silent_seconds=1e12)
    info = np.iinfo(np.int64)

    assert evicted({"a": info.min + 1}, info.min + 1, options) == set()
    assert evicted({"a": info.min + 1}, info.max, options) == set()


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_limit_that_is_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected max_silent_seconds > 0, got"):
        msgspec.convert({"max_silent_seconds": seconds}, EvictionOptions)
