"""A promoted artifact comes to every partition by way of a shadow, and one that is rolled back goes the same way."""

import gc
import logging
from pathlib import Path
from weakref import ref

import msgspec
import pytest

from connectors.errors import OffsetGoneError, StoreError, TransientError
from connectors.ports import Assigned, Revoked
from connectors.shelf import POINTER
from models.artifact import load, shipped
from streamer import succession
from streamer.feedback import Tolerance
from tests.streamer.heirs import Estate, changes, one_by_one, promoted, settings
from tests.streamer.rig import FIRST, SECOND, WALK, Rig, batch
from tests.streamer.rivals import rival

ASSIGNED = Assigned((FIRST,))
OLD, NEW = load(shipped("gru")).name, rival("gru").name


def test_a_promoted_artifact_is_adopted_when_its_shadow_has_followed_for_long_enough(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(30)], settings(tmp_path, shadow_readings=5)).turn(11)
    promoted(tmp_path, rival("gru"))

    estate.turn(20)

    names = estate.artifacts()
    assert sorted(names) == list(range(30))
    assert changes(names.values()) == [OLD, NEW]
    assert 15 <= list(names.values()).index(NEW) <= 20  # offset 10, a turn or two to look and to read, five readings
    assert estate.rig.metric('streamer_artifact_adoptions_total{group="pumps"}') == 1
    assert estate.rig.metric('streamer_shadow_readings_total{group="pumps"}') == 5
    assert estate.rig.metric(f'streamer_artifact_info{{artifact="{NEW}",cell="gru",group="pumps"}}') == 1


def test_weights_that_no_partition_has_any_more_are_let_go(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(30)], settings(tmp_path, shadow_readings=5)).turn(11)
    before = ref(estate.rig.tenancy.tenures[FIRST].partition.judge)
    promoted(tmp_path, rival("gru"))

    estate.turn(20)
    gc.collect()

    assert before() is None


def test_until_something_is_promoted_the_shipped_weights_are_in_force(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(12)], settings(tmp_path / "absent", shadow_readings=0)).turn(14)

    assert set(estate.artifacts().values()) == {OLD}
    assert estate.opened == []


def test_with_no_readings_to_follow_it_is_adopted_as_soon_as_it_is_warm(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(16)], settings(tmp_path, shadow_readings=0)).turn(9)
    promoted(tmp_path, rival("gru"))

    estate.turn(8)

    assert changes(estate.artifacts().values()) == [OLD, NEW]
    assert estate.rig.metric('streamer_shadow_readings_total{group="pumps"}') == 1  # the turn of the barrier


def test_what_people_say_of_alarms_meanwhile_begins_no_shadow_anew(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(30)], settings(tmp_path, shadow_readings=8)).turn(11)
    promoted(tmp_path, rival("gru"))
    judges = estate.rig.groups[0].judges
    estate.turn(5)

    said = Tolerance(series="a", kind="spike", factor=2.0, since=0, until=1)
    judges.choices = msgspec.structs.replace(judges.choices, tolerances=[said])
    estate.turn(15)

    assert changes(estate.artifacts().values()) == [OLD, NEW]
    assert len(estate.opened) == 1
    assert estate.rig.tenancy.tenures[FIRST].partition.judge.choices.tolerances == [said]
    assert estate.rig.metric('streamer_shadow_readings_total{group="pumps"}') == 8


def test_both_models_are_on_the_page_while_the_shadow_follows(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(30)], settings(tmp_path, shadow_readings=1000)).turn(11)
    promoted(tmp_path, rival("gru"))

    estate.turn(20)

    crps = {
        model: estate.rig.metric(f'streamer_shadow_crps_total{{group="pumps",model="{model}"}}')
        for model in ("champion", "challenger")
    }
    assert estate.rig.metric('streamer_shadow_partitions{group="pumps",progress="following"}') == 1
    assert crps["champion"] > 0
    assert crps["champion"] == pytest.approx(crps["challenger"], rel=0.2)
    assert crps["champion"] != crps["challenger"]


def test_what_it_reads_again_is_bounded_by_series_by_records_and_by_what_is_there(tmp_path: Path) -> None:
    promoted(tmp_path, rival("gru"))
    script = [ASSIGNED, *one_by_one(30)]
    crashed = Rig(list(script), settings=settings(tmp_path / "absent")).turn(31)
    crashed.engine.leave()
    starts = []

    for adoption, oldest in (
        ({"warm_readings": 8}, 0),
        ({"warm_readings": 8, "max_records": 3}, 0),
        ({"warm_readings": 100}, 0),
        ({"warm_readings": 100}, 12),
        ({"warm_readings": 0}, 0),
    ):
        estate = Estate(script, settings(tmp_path, **adoption), crashed, oldest={FIRST: oldest}).turn(3)
        starts += estate.opened

    assert starts == [(FIRST, 22), (FIRST, 27), (FIRST, 0), (FIRST, 12), (FIRST, 30)]


def test_a_shadow_of_what_is_rolled_back_is_given_up(tmp_path: Path) -> None:
    first = promoted(tmp_path, load(shipped("gru")))
    estate = Estate([ASSIGNED, *one_by_one(30)], settings(tmp_path, shadow_readings=5)).turn(11)
    promoted(tmp_path, rival("gru"))
    estate.turn(5)
    had_shadow = estate.rig.tenancy.tenures[FIRST].partition.shadow is not None

    (tmp_path / POINTER).write_text(first)
    estate.turn(15)

    assert had_shadow
    assert set(estate.artifacts().values()) == {OLD}
    assert estate.rig.tenancy.tenures[FIRST].partition.shadow is None


def test_what_was_adopted_can_be_rolled_back_the_same_way(tmp_path: Path) -> None:
    first = promoted(tmp_path, load(shipped("gru")))
    estate = Estate([ASSIGNED, *one_by_one(40)], settings(tmp_path, shadow_readings=3)).turn(6)
    promoted(tmp_path, rival("gru"))
    estate.turn(15)

    (tmp_path / POINTER).write_text(first)
    estate.turn(20)

    assert changes(estate.artifacts().values()) == [OLD, NEW, OLD]


def test_choices_that_change_meanwhile_are_adopted_at_once_and_the_shadow_begins_anew(tmp_path: Path) -> None:
    config = settings(tmp_path, shadow_readings=4)
    estate = Estate([ASSIGNED, *one_by_one(40)], config).turn(11)
    promoted(tmp_path, rival("gru"))
    estate.turn(5)
    wide = msgspec.structs.replace(config.groups[0].choices, band_coverage=0.5)

    estate.rig.tenancy.reload({"pumps": wide})
    estate.turn(1)
    between = estate.rig.tenancy.tenures[FIRST].partition.judge
    estate.turn(20)

    after = estate.rig.tenancy.tenures[FIRST].partition.judge
    assert (between.choices, between.artifact.name) == (wide, OLD)
    assert (after.choices, after.artifact.name) == (wide, NEW)
    assert len(estate.opened) == 2


def test_every_partition_gets_its_own_one_after_the_other(tmp_path: Path) -> None:
    records = [entry for pair in zip(one_by_one(30), one_by_one(30, SECOND), strict=True) for entry in pair]
    estate = Estate([Assigned((FIRST, SECOND)), *records], settings(tmp_path, shadow_readings=4)).turn(20)
    promoted(tmp_path, rival("gru"))

    estate.turn(50)

    assert [where for where, _ in estate.opened] == [FIRST, SECOND]
    assert {one.partition.judge.artifact.name for one in estate.rig.tenancy.tenures.values()} == {NEW}
    assert len(estate.rig.scores()) == 60
    assert estate.rig.metric('streamer_artifact_adoptions_total{group="pumps"}') == 2


def test_a_state_of_another_artifact_is_brought_to_the_one_of_today_after_a_restart(tmp_path: Path) -> None:
    script = [ASSIGNED, *one_by_one(30)]
    crashed = Rig(list(script), settings=settings(tmp_path / "absent")).turn(16)
    promoted(tmp_path, rival("gru"))

    estate = Estate(script, settings(tmp_path, shadow_readings=5), crashed).turn(3)
    page = estate.rig.metrics.render(openmetrics=False).decode()
    estate.turn(28)

    names = estate.artifacts()
    assert f'streamer_artifact_info{{artifact="{OLD}"' in page
    assert changes(names.values()) == [OLD, NEW]
    assert estate.opened == [(FIRST, 0)]  # and not before it had caught up
    assert crashed.scores().keys() | estate.rig.scores().keys() == {(0, offset) for offset in range(30)}


def test_a_group_may_keep_the_artifact_of_its_state(tmp_path: Path) -> None:
    config = settings(tmp_path)
    config.groups[0] = type(config.groups[0])(
        **{name: getattr(config.groups[0], name) for name in config.groups[0].__struct_fields__} | {"adoption": None}
    )
    estate = Estate([ASSIGNED, *one_by_one(20)], config).turn(11)
    promoted(tmp_path, rival("gru"))

    estate.turn(10)

    assert set(estate.artifacts().values()) == {OLD}


@pytest.mark.parametrize("error", [TransientError("away"), OffsetGoneError("gone")])
def test_a_past_that_cannot_be_read_is_tried_again_later_and_costs_no_score(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "RETRY_SECONDS", 8.0)
    estate = Estate([ASSIGNED, *one_by_one(40)], settings(tmp_path, shadow_readings=2))
    promoted(tmp_path, rival("gru"))
    (tmp_path / POINTER).rename(tmp_path / "aside")
    estate.turn(11)
    estate.refusals.append(error)

    (tmp_path / "aside").rename(tmp_path / POINTER)
    estate.turn(30)

    assert estate.refusals == []
    assert changes(estate.artifacts().values()) == [OLD, NEW]
    assert len(estate.rig.scores()) == 40
    assert estate.rig.metric('streamer_artifact_failures_total{group="pumps"}') == 1


def test_a_partition_that_leaves_takes_its_warming_shadow_with_it(tmp_path: Path) -> None:
    script = [ASSIGNED, *one_by_one(10), Revoked((FIRST,)), Assigned((SECOND,)), *one_by_one(4, SECOND)]
    estate = Estate(script, settings(tmp_path)).turn(9)
    promoted(tmp_path, rival("gru"))
    estate.turn(2)
    assert [where for where, _ in estate.opened] == [FIRST]

    estate.turn(10)

    assert [where for where, _ in estate.opened] == [FIRST]  # the second began with what was promoted
    assert estate.rig.metric('streamer_shadow_partitions{group="pumps",progress="warming"}') == 0


def test_a_barrier_whose_checkpoint_cannot_be_written_is_passed_later(tmp_path: Path) -> None:
    estate = Estate([ASSIGNED, *one_by_one(40)], settings(tmp_path, shadow_readings=2), interval_seconds=40.0).turn(6)
    promoted(tmp_path, rival("gru"))
    estate.turn(4)
    estate.rig.store.fail_next(StoreError("the disk is full"))
    partition = estate.rig.tenancy.tenures[FIRST].partition
    drift = partition.drift

    estate.turn(1)
    waiting, kept = estate.in_force, partition.drift
    estate.turn(30)

    assert (waiting, estate.in_force) == (OLD, NEW)
    assert kept is drift  # it is of the errors of the weights that stay
    assert changes(estate.artifacts().values()) == [OLD, NEW]


@pytest.mark.parametrize("content", [b"no artifact", b""])
def test_an_artifact_that_cannot_be_used_is_told_once_and_changes_nothing(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    estate = Estate([ASSIGNED, *one_by_one(20)], settings(tmp_path)).turn(6)
    title = promoted(tmp_path, rival("gru"))
    (tmp_path / f"{title}.safetensors").write_bytes(content)

    estate.turn(10)

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert "Expected a safetensors artifact" in told[0]
    assert set(estate.artifacts().values()) == {OLD}
    assert estate.rig.metric('streamer_artifact_failures_total{group="pumps"}') == 1


def test_an_artifact_of_another_cell_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    estate = Estate([ASSIGNED, *one_by_one(20)], settings(tmp_path)).turn(6)
    promoted(tmp_path, rival("lstm"))

    estate.turn(10)

    assert "Expected cell 'gru', got 'lstm'" in caplog.text
    assert set(estate.artifacts().values()) == {OLD}


def test_a_partition_without_state_begins_with_what_is_in_force(tmp_path: Path) -> None:
    promoted(tmp_path, rival("gru"))

    estate = Estate([ASSIGNED, batch(FIRST, 0, WALK)], settings(tmp_path)).turn(3)

    assert set(estate.artifacts().values()) == {NEW}
    assert estate.opened == []
