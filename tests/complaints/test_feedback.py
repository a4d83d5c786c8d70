"""Complaint 18: thresholds that learn from what people say of alarms."""

from dataclasses import replace

import msgspec

from models.alarm import KINDS
from streamer.feedback import tolerances
from streamer.partition import Partition
from streamer.tolerance import Tolerances
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import DAY, MONDAY, lived, noise, returns_without
from tests.connectors.verdict_samples import verdict_of
from tests.streamer.fleets import SECOND_NS, WHERE, judge

AT = 60
FAR = noise(AT + 20)
FAR[AT] += 60


def called_again(seconds_later: float, verdict: str = "false") -> bool:
    """Whether a reading far out calls people who have said what the one before was worth."""
    partition = Partition(judge(line=1e-2), WHERE)
    before = lived(FAR, partition=partition)
    assert AT in before.opened
    peak, said_at = float(before.score.max()), round((MONDAY + DAY) * SECOND_NS)
    of_alarm = {"group": "machines", "series": "pump", "timestamp_ns": said_at, "days": 60.0}
    said = [verdict_of(kind, verdict, peak, kind=kind, **of_alarm) for kind in KINDS]
    raised = tolerances(said, "machines")
    choices = msgspec.structs.replace(partition.judge.choices, tolerances=raised)
    partition.adopt(replace(partition.judge, choices=choices, tolerances=Tolerances(raised)))
    return AT in lived(FAR, partition=partition, starts=MONDAY + seconds_later).opened


def test_18_an_alarm_that_was_called_false_calls_nobody_when_it_happens_again(switch_off: SwitchOff) -> None:
    def mechanism() -> None:
        switch_off(Tolerances, "of", lambda *_: None)

    assert returns_without(mechanism, lambda: called_again(DAY))


def test_18_one_that_was_called_true_calls_again() -> None:
    assert called_again(DAY, "true")


def test_18_a_false_one_calls_again_when_its_days_are_over() -> None:
    assert called_again(70 * DAY)
