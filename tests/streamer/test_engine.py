"""The engine over a memory source whose faults stand in its script."""

from collections.abc import Mapping

import pytest

from connectors.columns import Alarms, Rejects, TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.errors import DoubtError, TransientError
from connectors.memory import Fault, Idle
from connectors.ports import Assigned, Ended, Gone, Lost, Revoked
from streamer.absence import AWAY_SECONDS
from tests.streamer.rig import FIRST, SECOND, WALK, Rig, batch


def test_every_reading_is_scored_delivered_and_committed() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK), Ended()]).turn(3)

    assert sorted(rig.scores()) == [(0, offset) for offset in range(10)]
    assert rig.committed == {FIRST: 10}
    assert rig.engine.has_ended


def test_cuts_and_other_partitions_reach_no_score() -> None:
    whole = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(2)

    cut = Rig(
        [
            Assigned((FIRST, SECOND)),
            batch(FIRST, 0, WALK[:3]),
            batch(SECOND, 0, [5, 80, 5]),
            Idle(),
            batch(FIRST, 3, WALK[3:]),
        ]
    ).turn(5)

    assert {at: score for at, score in cut.scores().items() if at[0] == 0} == whole.scores()


def test_what_one_poll_brought_of_several_partitions_is_committed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK), batch(SECOND, 0, WALK[:4], key=b"b")])
    commits: list[dict[TopicPartition, int]] = []

    def commit(next_offsets: Mapping[TopicPartition, int]) -> None:
        commits.append(dict(next_offsets))
        AtLeastOnce.commit(rig.delivery, next_offsets)

    rig.turn(1).source.pause([FIRST, SECOND])
    rig.turn(2).source.resume([FIRST, SECOND])
    monkeypatch.setattr(rig.delivery, "commit", commit)
    rig.turn(1)

    assert commits == [{FIRST: 10, SECOND: 4}]
    assert rig.committed == {FIRST: 10, SECOND: 4}
    assert len(rig.scores()) == 14


def test_records_of_one_partition_are_delivered_one_after_the_other() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])])

    rig.turn(1).source.pause([FIRST])
    rig.turn(2).source.resume([FIRST])
    rig.turn(1)

    assert rig.committed == {FIRST: 10}
    assert len(rig.scores()) == 10


def test_read_is_scored_and_rejected_by_reason() -> None:
    values = [1, 2, "three", 4, None]
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, values), batch(FIRST, 5, [9], first_minute=2)]).turn(3)

    assert rig.metric('streamer_readings_read_total{group="pumps"}') == 6
    assert rig.metric('streamer_readings_scored_total{group="pumps"}') == 4
    assert rig.metric('streamer_readings_rejected_total{group="pumps",reason="wrong_type"}') == 1
    assert rig.metric('streamer_readings_rejected_total{group="pumps",reason="late"}') == 1
    assert sum(map(len, rig.written(Rejects))) == 2


def test_a_late_reading_says_how_late() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, [1], first_minute=5), batch(FIRST, 1, [1], first_minute=3)]).turn(3)

    [rejects] = rig.written(Rejects)
    assert rejects.detail == [
        "timestamp of series 'a': Expected none older than the newest scored, "
        "got 2026-01-01T00:03:00.000000000Z, 120 s behind"
    ]


def test_a_failed_delivery_commits_nothing_and_is_not_survived() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(1)

    def refuse() -> None:
        raise TransientError("the sink is away")

    rig.sink.flush = refuse  # type: ignore[method-assign]
    with pytest.raises(DoubtError, match="the sink is away"):
        rig.engine.turn()

    assert rig.committed == {FIRST: 0}


def test_a_restart_goes_on_behind_what_was_committed_with_the_state_of_before() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])]
    first = Rig(script).turn(2)

    second = Rig(script, first.committed, first.contents).turn(3)

    whole = Rig(script).turn(3).scores()
    assert first.scores() | second.scores() == whole
    assert not first.scores().keys() & second.scores().keys()


def test_what_was_committed_is_asked_for_when_the_predecessor_is_shut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])]
    first = Rig(script).turn(2)
    second = Rig(script, {FIRST: 0}, first.contents)  # the delivery of six is under way

    monkeypatch.setattr(second.delivery, "open", lambda where: second.committed.update({where: 6}))  # and was just done
    second.turn(3)

    assert {offset for _, offset in second.scores()} == {6, 7, 8, 9}


def test_state_stays_behind_for_whoever_gets_the_partition_next() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), Revoked((FIRST,))]
    rig = Rig([*script, Assigned((FIRST,)), batch(FIRST, 6, WALK[6:])]).turn(5)

    assert rig.scores() == Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(2).scores()
    assert rig.metric('streamer_readings_replayed_total{group="pumps"}') == 0  # the last state was saved


def test_a_process_that_lost_partitions_ends() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK), Lost((FIRST,))]).turn(2)

    with pytest.raises(DoubtError, match="lost to somebody else"):
        rig.engine.turn()


def test_a_source_that_is_away_for_a_while_costs_no_state() -> None:
    away = Fault(TransientError("no broker answers"))

    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), *[away] * 5, batch(FIRST, 6, WALK[6:])]).turn(8)

    assert rig.scores() == Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(2).scores()


def test_a_source_that_stays_away_is_given_up() -> None:
    rig = Rig([Assigned((FIRST,)), *[Fault(TransientError("no broker answers"))] * 100]).turn(1)
    began = rig.ticks

    with pytest.raises(TransientError, match="no broker answers"):
        rig.turn(100)

    assert rig.ticks - began >= AWAY_SECONDS


def test_each_absence_has_its_own_patience() -> None:
    absence = [Fault(TransientError("no broker answers"))] * 10
    script = [
        Assigned((FIRST,)),
        *(entry for offset in range(4) for entry in (*absence, batch(FIRST, offset, [1]))),
    ]

    assert len(Rig(script).turn(len(script)).scores()) == 4


def test_records_deleted_in_the_silent_span_are_counted_and_the_rest_goes_on() -> None:
    whole = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6])]
    before = Rig(whole).turn(2)  # committed is 6, the only checkpoint stands at 0

    rig = Rig([*whole, Gone(FIRST, 0, 8), batch(FIRST, 8, WALK[8:])], before.committed, before.contents)
    rig.source.seek = lambda *_: None  # type: ignore[method-assign]  # nothing is there of what it asks for
    rig.turn(1)
    del rig.source.seek
    rig.turn(3)

    assert sorted(rig.scores()) == [(0, 8), (0, 9)]
    assert rig.metric('streamer_records_gone_total{partition="0",topic="pumps"}') == 8
    assert rig.committed == {FIRST: 10}
    assert rig.tenancy.missing == ""


def test_a_series_in_two_partitions_is_counted_once_and_shown_once() -> None:
    rig = Rig(
        [Assigned((FIRST, SECOND)), batch(FIRST, 0, [1, 2]), batch(SECOND, 0, [5]), batch(SECOND, 1, [6], key=b"b")]
    ).turn(5)

    assert rig.metric('streamer_series_split_total{group="pumps"}') == 1
    shown = [series for snapshot in rig.board.snapshots for series in snapshot.series]
    assert sorted(shown) == ["a", "b"]
    assert rig.metric('streamer_series_live{group="pumps"}') == 3


def test_the_board_shows_the_newest_value_and_the_peak() -> None:
    calm = [*WALK[:8], 60.0, 1.5, 1.4]
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, calm), Idle()]).turn(3)

    [snapshot] = rig.board.snapshots
    assert snapshot.value[0, 0] == 1.4
    assert snapshot.anomaly_score_max[0] > snapshot.anomaly_score[0]
    assert snapshot.anomaly_score_max[0] == max(rig.scores().values())


def test_an_alarm_is_written_once_when_it_opens() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, [*WALK[:8], 500.0, 510.0, 505.0])]).turn(2)

    [alarms] = rig.written(Alarms)
    assert alarms.event == ["opened"]
    assert alarms.results.readings.offset.tolist() == [8]
    assert rig.metric('streamer_alarms_opened_total{group="pumps",kind="spike"}') == 1
    assert rig.metric('streamer_series_anomalous{group="pumps"}') in {0, 1}
