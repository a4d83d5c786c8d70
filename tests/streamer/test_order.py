"""Order in event time: the vectorised judgement equals the plain rules."""

from typing import Literal, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Records, TopicPartition
from streamer import order
from streamer.order import NEVER, OrderOptions
from streamer.series_rows import HostColumns
from tests.streamer.fleets import SECOND_NS, readings

Policy = Literal["drop_identical", "keep", "drop"]


def columns() -> HostColumns:
    return HostColumns(order.initial_columns(1))


def plain(batch: list[tuple[int, int, int]], policy: Policy) -> list[str]:
    """The rules, reading by reading."""
    newest: dict[int, tuple[int, int]] = {}
    verdicts = []
    for row, second, value in batch:
        last = newest.get(row)
        is_same_instant = last is not None and second == last[0]
        is_repeat = policy == "drop" or (policy == "drop_identical" and last == (second, value))
        if last is not None and second < last[0]:
            verdicts.append("late")
        elif is_same_instant and is_repeat:
            verdicts.append("duplicate")
        else:
            verdicts.append("accepted")
            newest[row] = (second, value)
    return verdicts


@given(
    batch=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6), st.integers(0, 1)), min_size=1, max_size=40),
    cut=st.integers(0, 40),
    policy=st.sampled_from(get_args(Policy)),
)
@settings(max_examples=200)
def test_every_batch_is_judged_as_by_the_plain_rules(
    batch: list[tuple[int, int, int]], cut: int, policy: Policy
) -> None:
    kept, options, verdicts = columns(), OrderOptions(duplicates=policy), []
    for part in (batch[:cut], batch[cut:]):
        if not part:
            continue
        rows = np.array([row for row, _, _ in part])
        came = readings([str(row) for row in rows], [s for _, s, _ in part], [[float(v)] for _, _, v in part])
        verdict = order.judge(came, rows, kept, options)
        names = np.where(verdict.late, "late", np.where(verdict.duplicate, "duplicate", "accepted"))
        assert (verdict.accepted == (names == "accepted")).all()
        verdicts += names.tolist()
        order.remember(came.take(verdict.accepted), rows[verdict.accepted], kept)

    assert verdicts == plain(batch, policy)


def test_elapsed_time_is_since_the_accepted_reading_before() -> None:
    came = readings(["a", "b", "a", "a", "a"], [0, 0, 10, 5, 12.5], [[0]] * 5)

    verdict = order.judge(came, np.array([1, 2, 1, 1, 1]), columns(), OrderOptions())

    assert verdict.accepted.tolist() == [True, True, True, False, True]
    np.testing.assert_array_equal(
        verdict.elapsed_seconds[[0, 1, 2, 4]], np.array([np.nan, np.nan, 10, 2.5], dtype=np.float32)
    )
    assert verdict.before.tolist() == [NEVER, NEVER, 0, 10 * SECOND_NS, 10 * SECOND_NS]
    assert verdict.until(2).before.tolist() == [NEVER, NEVER]


def test_judging_changes_nothing() -> None:
    kept = columns()

    for _ in range(2):
        verdict = order.judge(readings(["a"], [5], [[1]]), np.array([1]), kept, OrderOptions())
        assert verdict.accepted.all()


def records_at(milliseconds: list[int]) -> Records:
    count = len(milliseconds)
    filler: list[None] = [None] * count
    return Records(
        TopicPartition("t", 0), np.arange(count) * 2, np.array(milliseconds), list(filler), list(filler), [()] * count
    )


@pytest.mark.parametrize(("ahead_seconds", "is_refused"), [(3599, False), (3600, False), (3601, True), (1e9, True)])
def test_a_reading_may_be_an_hour_ahead_of_its_record(ahead_seconds: float, is_refused: bool) -> None:
    came = readings(["a"], [1_000 + ahead_seconds], [[1]])

    assert order.from_the_future(came, records_at([1_000_000]), OrderOptions()).tolist() == [is_refused]


def test_a_record_without_a_time_of_its_own_refuses_nothing() -> None:
    assert not order.from_the_future(readings(["a"], [4e9], [[1]]), records_at([-1]), OrderOptions()).any()
