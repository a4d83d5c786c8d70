"""Alarms open once, tell their peak, and close with hysteresis."""

import torch

from models import alarm
from models.alarm import AlarmChange, Hysteresis
from models.column import fresh_state

HYSTERESIS = Hysteresis(close_ratio=0.5, calm_readings=3)
LINES = torch.tensor([[4.0, 8.0]])  # decades


def lives(scores: list[float], judged: list[bool] | None = None, muted: list[bool] | None = None) -> list[AlarmChange]:
    """The life of the first kind's alarm; the other kind stays calm."""
    state = fresh_state(alarm.columns(), 1)
    changes = []
    never = [False] * len(scores)
    for score, is_judged, is_muted in zip(scores, judged or [True] * len(scores), muted or never, strict=True):
        statistic, when = (
            torch.tensor([[score * LINES[0, 0], 0.0]]),
            (torch.tensor([is_judged]), torch.tensor([is_muted])),
        )
        change, state = alarm.update(statistic, LINES, *when, HYSTERESIS, state)
        assert not any(column[0, 1].any() for column in change)
        changes.append(AlarmChange(*(column[0, 0] for column in change)))
    return changes


def events(changes: list[AlarmChange]) -> list[str]:
    names = {(True, False): "opened", (False, True): "closed", (False, False): "-"}
    return [names[bool(change.opened), bool(change.closed)] for change in changes]


def test_an_alarm_opens_above_the_line_and_not_on_it() -> None:
    assert events(lives([0.99, 1.0, 1.01])) == ["-", "-", "opened"]


def test_an_open_alarm_does_not_open_again() -> None:
    assert events(lives([2, 3, 0.9, 4])) == ["opened", "-", "-", "-"]


def test_it_closes_after_enough_calm_readings_in_a_row() -> None:
    assert events(lives([2, 0.1, 0.5, 0.51, 0.1, 0.1, 0.1, 2])) == [*["opened"], *["-"] * 5, "closed", "opened"]


def test_the_peak_is_the_largest_score_since_the_opening() -> None:
    changes = lives([2, 5, 3, 0.1, 0.1, 0.1, 1.5])

    assert [float(change.peak) for change in changes] == [2, 5, 5, 5, 5, 5, 1.5]


def test_a_peak_is_by_the_line_of_its_time_and_does_not_fall_when_the_line_rises() -> None:
    state, peaks = fresh_state(alarm.columns(), 1), []
    for line in (4.0, 4.5, 5.0):
        lines, heard = torch.full((1, 2), line), (torch.ones(1).bool(), torch.zeros(1).bool())
        change, state = alarm.update(torch.full((1, 2), 6.0), lines, *heard, HYSTERESIS, state)
        peaks.append(float(change.peak[0, 0]))

    assert peaks == [1.5, 1.5, 1.5]


def test_a_reading_that_was_not_judged_neither_calms_nor_opens() -> None:
    changes = lives([2, 0, 0, 0, 0, 0], judged=[True, False, False, True, True, True])

    assert events(changes) == ["opened", "-", "-", "-", "-", "closed"]


def test_a_muted_reading_opens_nothing_and_the_first_one_after_does() -> None:
    changes = lives([2, 3, 2.5], muted=[True, True, False])

    assert events(changes) == ["-", "-", "opened"]
    assert float(changes[-1].peak) == 2.5


def test_each_kind_has_an_alarm_of_its_own() -> None:
    state = fresh_state(alarm.columns(), 1)

    judged_and_loud = torch.ones(1).bool(), torch.zeros(1).bool()

    first, state = alarm.update(torch.tensor([[2.0, 0.5]]) * LINES, LINES, *judged_and_loud, HYSTERESIS, state)
    second, _ = alarm.update(torch.tensor([[2.0, 1.5]]) * LINES, LINES, *judged_and_loud, HYSTERESIS, state)

    assert first.opened.tolist() == [[True, False]]
    assert second.opened.tolist() == [[False, True]]
    assert second.is_open.all()


def test_the_climb_of_a_statistic_is_told_until_it_has_been_calm_for_long_enough() -> None:
    changes = lives([0.75, 0.8, 0.1, 0.1, 0.1, 0.7])

    climbs = [(change.climb / LINES[0, 0]).tolist() for change in changes]
    before, after = zip(*[(round(start, 6), round(end, 6)) for start, end in climbs], strict=True)
    assert before == (0, 0.75, 0.8, 0.8, 0.8, 0)
    assert after == (0.75, 0.8, 0.8, 0.8, 0.8, 0.7)


def test_a_muted_reading_does_not_climb() -> None:
    changes = lives([0.8, 0.9], muted=[True, False])

    assert changes[0].climb.tolist() == [0, 0]
