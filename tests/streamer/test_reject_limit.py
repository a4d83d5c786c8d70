"""The limit on refused readings: what counts, over which span, and what is safe when the daemon stops for it."""

from typing import Any

import msgspec
import numpy as np
import pytest

from connectors.columns import Reason, Rejects, TopicPartition
from connectors.errors import RejectsError
from connectors.memory import records_of
from connectors.ports import Assigned
from streamer import config
from streamer.reject_limit import HOUR_SECONDS, RejectLimit, RejectLimitOptions
from tests.streamer.rig import CONFIG, FIRST, Rig, batch

IN_ORDER = (Reason.LATE, Reason.DUPLICATE, Reason.TOMBSTONE)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def limit(clock: Clock | None = None, told: list[float] | None = None, **options: Any) -> RejectLimit:
    def tell(_: str, used_ratio: float) -> None:
        if told is not None:
            told.append(used_ratio)

    return RejectLimit("pumps", RejectLimitOptions(**options), clock or Clock(), tell)


def refused(count: int, reason: Reason = Reason.MALFORMED) -> list[Rejects]:
    records = records_of(TopicPartition("pumps", 0), [(None, b"")] * count)
    return [Rejects("pumps", records, records.offset, np.zeros(count, np.int64), [reason] * count, [""] * count)]


def test_a_share_above_the_limit_stops_it_and_the_limit_itself_does_not() -> None:
    one = limit(max_ratio=0.5, over_readings=10)
    one.note(10, refused(5))

    with pytest.raises(
        RejectsError, match=r"^group 'pumps': Expected at most 50% of the last 10 readings to be refused, got 6; "
    ):
        one.note(10, refused(6))


def test_only_the_newest_readings_count() -> None:
    told: list[float] = []
    one = limit(told=told, max_ratio=0.5, over_readings=10)

    one.note(6, refused(5))
    one.note(4, [])
    one.note(6, [])

    assert told == [1.0, 1.0, 0.0]


def test_a_few_readings_are_no_share_to_speak_of() -> None:
    one = limit(max_ratio=0.5, over_readings=10)

    one.note(5, refused(5))  # the five to come may all be good

    with pytest.raises(RejectsError):
        one.note(1, refused(1))


def test_a_batch_larger_than_the_span_is_judged_by_its_own_share() -> None:
    one = limit(max_ratio=0.5, over_readings=10)

    one.note(1_000, refused(499))

    with pytest.raises(RejectsError, match=r"50% of the last 1000 readings .* got 501"):
        one.note(1_000, refused(501))


@pytest.mark.parametrize("reason", IN_ORDER)
def test_a_producer_that_repeats_or_deletes_is_in_order(reason: Reason) -> None:
    one = limit(max_ratio=0.1, over_readings=10, max_per_hour=1)

    one.note(100, refused(100, reason))


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in IN_ORDER])
def test_everything_else_counts(reason: Reason) -> None:
    with pytest.raises(RejectsError):
        limit(max_ratio=0.5, over_readings=10).note(10, refused(6, reason))


def test_so_many_in_an_hour_stop_it_whatever_their_share() -> None:
    clock = Clock()
    one = limit(clock, max_ratio=None, max_per_hour=3)
    one.note(10_000, refused(3))
    clock.now = HOUR_SECONDS
    one.note(10_000, refused(3))

    with pytest.raises(RejectsError, match=r"at most 3 readings refused in an hour, got 4"):
        one.note(10_000, refused(1))


def test_a_limit_that_is_switched_off_stops_nothing() -> None:
    limit(max_ratio=None).note(10, refused(10))


def test_new_options_judge_what_was_counted_before() -> None:
    one = limit(max_ratio=0.5, over_readings=10)
    one.note(10, refused(4))

    one.adopt(RejectLimitOptions(max_ratio=0.3, over_readings=10))

    with pytest.raises(RejectsError):
        one.note(1, [])


def few_allowed() -> config.Config:
    raw = msgspec.to_builtins(CONFIG)
    raw["groups"][0]["reject_limits"] = {"max_ratio": 0.5, "over_readings": 4}
    return config.parse(raw, "test")


def test_what_was_refused_is_delivered_and_committed_before_the_daemon_stops() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, ["a", "b", "c", 1.0])], settings=few_allowed()).turn(1)

    with pytest.raises(RejectsError, match="got 3"):
        rig.turn(1)

    assert sum(map(len, rig.written(Rejects))) == 3
    assert sorted(rig.scores()) == [(0, 3)]
    assert rig.committed == {FIRST: 4}
    assert rig.metric('streamer_readings_rejected_total{group="pumps",reason="wrong_type"}') == 3
    assert rig.metric('streamer_reject_limit_used_ratio{group="pumps"}') == 1.5


def test_a_restart_begins_to_count_anew() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, ["a", "b", "c", 1.0]), batch(FIRST, 4, ["d", 2.0])]
    first = Rig(list(script), settings=few_allowed()).turn(1)
    with pytest.raises(RejectsError):
        first.turn(1)

    second = Rig(list(script), first.committed, first.contents, settings=few_allowed()).turn(4)

    assert sorted(second.scores()) == [(0, 5)]
    assert second.metric('streamer_reject_limit_used_ratio{group="pumps"}') == 0.5
