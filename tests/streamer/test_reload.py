"""A configuration that is read again: what may change takes effect at barriers, all else is refused as a whole."""

from typing import Any

import msgspec
import pytest
import yaml

from connectors.columns import Results
from connectors.errors import ConfigError, DoubtError, StoreError
from connectors.ports import Assigned, StateKey
from streamer import config
from streamer.checkpoint import decode
from streamer.config import Config
from streamer.keeper import NotInTimeError
from streamer.reload import CHANGEABLE, Reload, refuse_fixed
from tests.streamer.rig import CONFIG, FIRST, SECOND, WALK, Rig, batch

REFUSED, DONE = 'streamer_config_reloads_total{outcome="refused"}', 'streamer_config_reloads_total{outcome="done"}'
KEY = StateKey("pumps", FIRST)


def changed(**changes: Any) -> Config:
    """The rig's configuration with ``path__to__key=value``; 0 is the first of a list."""
    raw = msgspec.to_builtins(CONFIG)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node: Any = raw
        for key in parents:
            node = node[int(key)] if key.isdecimal() else node[key]
        node[last] = value
    return config.parse(raw, "f.yaml")


STRICT = changed(groups__0__alarm__readings_per_alarm=1e9, groups__0__band_coverage=0.5)
KEEPING = changed(groups__0__order__duplicates="drop")


def reload_of(rig: Rig) -> Reload:
    return Reload(CONFIG, rig.tenancy, rig.board, rig.metrics)


def choices_saved(rig: Rig) -> dict[str, Any]:
    """What the newest checkpoint of the first partition names."""
    newest = max(rig.contents[KEY])
    return decode(rig.contents[KEY][newest], "newest").settings


def test_a_partition_goes_on_by_the_new_choices_from_its_barrier_on() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:8]), batch(FIRST, 8, [1.5, 1.4])]).turn(2)
    unchanged = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:8]), batch(FIRST, 8, [1.5, 1.4])]).turn(3)

    reload_of(rig)(lambda: STRICT)
    rig.tenancy.tick()
    rig.turn(1)

    ours, theirs = (one.written(Results) for one in (rig, unchanged))
    assert (ours[0].upper == theirs[0].upper)[1:].all()  # before the barrier
    assert (ours[1].upper < theirs[1].upper).all()  # a band of half the readings is narrower
    assert (ours[1].forecast == theirs[1].forecast).all()  # and the state is that of before
    assert rig.metric(DONE) == 1
    assert rig.metric('streamer_band_target_ratio{group="pumps"}') == 0.5


def test_rules_and_windows_hold_from_the_barrier_on() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:8]), batch(FIRST, 8, [99.0])]
    raw = msgspec.to_builtins(CONFIG)
    raw["groups"][0]["rules"] = [{"series": "a", "direction": "down"}]
    raw["groups"][0]["maintenance"] = [{"type": "weekly", "series": "b"}]
    ruled, rig, unchanged = config.parse(raw, "f.yaml"), Rig(list(script)).turn(2), Rig(list(script)).turn(3)

    reload_of(rig)(lambda: ruled)
    rig.tenancy.tick()
    rig.turn(1)

    assert unchanged.scores()[0, 8] > 1
    assert rig.scores()[0, 8] == 0
    assert choices_saved(rig)["rules"][0]["direction"] == "down"
    crashed = Rig(list(script), rig.committed, rig.contents, settings=ruled).turn(2)
    assert crashed.tenancy.tenures[FIRST].partition.judge.choices == ruled.groups[0].choices


def test_the_checkpoint_that_names_the_choice_is_there_before_the_partition_goes_on_by_it() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:8])]).turn(2)

    reload_of(rig)(lambda: KEEPING)
    rig.tenancy.tick()

    assert max(rig.contents[KEY]) == 8
    assert choices_saved(rig)["order"]["duplicates"] == "drop"


def test_a_partition_that_is_saved_already_is_saved_anew_with_its_new_choices() -> None:
    rig = Rig([Assigned((FIRST,))]).turn(1)

    reload_of(rig)(lambda: KEEPING)
    rig.tenancy.tick()

    assert list(rig.contents[KEY]) == [0]
    assert choices_saved(rig)["order"]["duplicates"] == "drop"


def test_a_crash_behind_the_barrier_is_gone_on_from_with_the_new_choices() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:8]), batch(FIRST, 8, WALK[8:])]
    undisturbed = Rig(list(script)).turn(2)
    reload_of(undisturbed)(lambda: STRICT)
    undisturbed.tenancy.tick()
    undisturbed.turn(1)
    crashed = Rig(list(script)).turn(2)
    reload_of(crashed)(lambda: STRICT)
    crashed.tenancy.tick()

    again = Rig(list(script), crashed.committed, crashed.contents, settings=STRICT).turn(4)

    assert crashed.scores() | again.scores() == undisturbed.scores()


def test_what_others_were_told_of_is_stepped_again_by_the_choices_it_was_told_by() -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:8]), batch(FIRST, 8, WALK[8:])]
    crashed = Rig(list(script)).turn(2)
    reload_of(crashed)(lambda: STRICT)
    crashed.tenancy.tick()
    crashed.turn(1)

    again = Rig(list(script), crashed.committed, crashed.contents, settings=CONFIG).turn(1)
    restored = again.tenancy.tenures[FIRST].partition.judge.choices
    again.turn(3)

    assert restored == STRICT.groups[0].choices
    assert again.tenancy.tenures[FIRST].partition.judge.choices == CONFIG.groups[0].choices
    assert again.scores() == {}


def test_a_choice_that_cannot_be_saved_waits_until_it_can() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:8])], interval_seconds=1e9).turn(2)
    rig.store.fail_next(StoreError("the disk is full"))

    reload_of(rig)(lambda: KEEPING)
    rig.tenancy.tick()
    waiting = rig.tenancy.tenures[FIRST].partition.judge.choices.order.duplicates
    rig.ticks += 1e9
    rig.tenancy.tick()

    assert waiting == "drop_identical"
    assert rig.tenancy.tenures[FIRST].partition.judge.choices.order.duplicates == "drop"
    assert choices_saved(rig)["order"]["duplicates"] == "drop"


def test_a_process_that_does_not_know_by_which_choice_it_would_be_restored_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK[:8])]).turn(2)

    def hang(*_: object, **__: object) -> None:
        raise NotInTimeError("the store has not answered")

    monkeypatch.setattr(rig.keeper, "save", hang)
    reload_of(rig)(lambda: KEEPING)

    with pytest.raises(DoubtError, match="the store has not answered: by which choices its group goes on is not known"):
        rig.tenancy.tick()


def test_partitions_pass_their_barriers_one_a_turn() -> None:
    rig = Rig([Assigned((FIRST, SECOND))]).turn(3)

    reload_of(rig)(lambda: KEEPING)
    seen = []
    for _ in range(3):
        choices = [tenure.partition.judge.choices.order for tenure in rig.tenancy.tenures.values()]
        seen.append([order.duplicates for order in choices].count("drop"))
        rig.tenancy.tick()

    assert seen == [0, 1, 2]


def test_the_page_changes_at_once() -> None:
    script = [Assigned((FIRST,)), *(batch(FIRST, at, [1], key=f"s{at}".encode()) for at in range(4))]
    rig = Rig(script).turn(5)
    wanted = changed(http__series_limit=2, http__pinned=["s3", "s1"])

    reload_of(rig)(lambda: wanted)
    rig.turn(1)

    assert [snapshot.series for snapshot in rig.board.snapshots] == [("s1", "s3")]
    assert rig.metric("streamer_exported_series_limit") == 2


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"groups__0__topics": ["pumps", "more"]}, r"groups\[0\].topics"),
        ({"groups__0__channels": ["pressure"]}, r"groups\[0\].channels\[0\]"),
        ({"groups__0__format__timestamp_field": "when"}, r"groups\[0\].format.timestamp_field"),
        ({"groups__0__horizons": [1, 24]}, r"groups\[0\].horizons"),
        ({"groups__0__cell": "lstm"}, r"groups\[0\].cell"),
        ({"groups__0__forecaster": "experts"}, r"groups\[0\].forecaster"),
        ({"groups__0__tier": "rich"}, r"groups\[0\].tier"),
        ({"http__port": 1}, "http.port"),
        ({"checkpoints__interval_seconds": 1.0}, "checkpoints.interval_seconds"),
        ({"leave_seconds": 1.0}, "leave_seconds"),
    ],
)
def test_what_a_running_daemon_stands_on_cannot_change(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError, match=rf"Expected a change of .* alone .*, got one of {path}, which needs"):
        refuse_fixed(CONFIG, changed(**changes))


def test_a_group_that_is_new_needs_a_restart() -> None:
    raw = msgspec.to_builtins(CONFIG)
    raw["groups"].append({**raw["groups"][0], "name": "others", "topics": ["others"]})

    with pytest.raises(ConfigError, match="got one of groups, which needs a restart"):
        refuse_fixed(CONFIG, config.parse(raw, "f.yaml"))


def test_a_refusal_names_no_value() -> None:
    wanted = changed(http__token="a secret")

    with pytest.raises(ConfigError, match=r"got one of http\.token") as refused:
        refuse_fixed(CONFIG, wanted)

    assert "a secret" not in str(refused.value)


def test_everything_that_decides_scores_but_channels_can_change() -> None:
    assert {f"groups[].{name}" for name in ("alarm", "band_coverage", "order")} < set(CHANGEABLE)
    assert "groups[].channels" not in CHANGEABLE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groups: [", "Expected YAML"),
        ("groups: 3", "Expected `array`, got `int`"),
        (yaml.safe_dump(msgspec.to_builtins(changed(leave_seconds=3.0))), "leave_seconds, which needs a restart"),
    ],
)
def test_a_bad_file_keeps_the_old_settings_and_is_told_in_one_line(
    text: str, told: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(2)
    judge = rig.tenancy.tenures[FIRST].partition.judge

    reload_of(rig)(lambda: config.load(path, environment={}))
    rig.turn(2)

    assert rig.tenancy.tenures[FIRST].partition.judge is judge
    assert (rig.metric(REFUSED), rig.metric(DONE)) == (1, 0)
    [line] = [record.getMessage() for record in caplog.records if "reload" in record.getMessage()]
    assert told in line
    assert line.endswith("; everything stays as it was")


def test_a_second_reload_is_held_against_what_the_first_brought(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    rig = Rig([Assigned((FIRST,))]).turn(2)
    reload = reload_of(rig)

    reload(lambda: STRICT)
    reload(lambda: STRICT)

    lines = [record.getMessage() for record in caplog.records if "reload" in record.getMessage()]
    assert lines == [
        "reload: groups[0].band_coverage, groups[0].alarm.readings_per_alarm",
        "reload: nothing has changed",
    ]
