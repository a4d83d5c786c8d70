"""The clock of a partition: event time from readings, and on from there only while all is read."""

from streamer.event_clock import EventClock
from streamer.order import NEVER
from tests.streamer.fleets import SECOND_NS

READ = EventClock().moved(100 * SECOND_NS)


def seconds(clock: EventClock, now: float) -> float:
    return clock.event_now_ns(now) / SECOND_NS


def test_a_partition_that_lags_has_its_watermark_alone() -> None:
    lagging = READ.rested(is_caught_up=False, now=10)

    assert seconds(READ, 1e6) == 100
    assert seconds(lagging, 1e6) == 100


def test_time_goes_on_while_there_is_nothing_to_read() -> None:
    idle = READ.rested(is_caught_up=True, now=10).rested(is_caught_up=True, now=11)

    assert seconds(idle, 10) == 100
    assert seconds(idle, 12.5) == 102.5


def test_a_reading_sets_the_clock() -> None:
    clock = READ.rested(is_caught_up=True, now=10).moved(101 * SECOND_NS)

    assert seconds(clock, 500) == 101
    assert seconds(clock.rested(is_caught_up=True, now=500), 501) == 102


def test_a_source_that_was_away_has_let_no_time_pass() -> None:
    away = READ.rested(is_caught_up=True, now=10).rested(is_caught_up=False, now=20)

    back = away.rested(is_caught_up=True, now=3000)

    assert seconds(back, 3001) == 101


def test_there_is_no_time_before_the_first_reading() -> None:
    assert EventClock().rested(is_caught_up=True, now=10).event_now_ns(500) == NEVER
