"""A disk that is full for the checkpoints: scoring goes on, and when there is room again nothing was lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.directory_store import DirectoryStore
from connectors.errors import StoreError
from connectors.ports import Assigned, StateKey
from streamer.checkpoint import decode
from tests.conftest import unavailable
from tests.streamer.rig import FIRST, WALK, Rig, batch

KEY = StateKey("pumps", FIRST)
SAVES_FAILED = 'streamer_checkpoint_failures_total{action="save"}'
SCRIPT = [Assigned((FIRST,)), *(batch(FIRST, at, [value]) for at, value in enumerate(WALK * 6))]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB of its own, which holds a few checkpoints."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "streamer-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        unavailable("no file system of its own may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def save_and_fill(rig: Rig, disk: Path) -> Path:
    """Leave no room, as whatever else writes to a disk does, while nothing is under way that would make some."""
    rig.keeper.save(rig.tenancy.tenures[FIRST], 10.0)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096) == 4096:
                pass
        except OSError:
            pass
    return filler


def fail_to_save(rig: Rig) -> None:
    with pytest.raises(StoreError, match="not written"):
        rig.keeper.save(rig.tenancy.tenures[FIRST], 10.0)


def test_scoring_goes_on_and_the_state_is_saved_once_there_is_room(small_disk: Path) -> None:
    store = DirectoryStore(small_disk)
    rig = Rig(list(SCRIPT), interval_seconds=20.0, store=store).turn(20)
    filler = save_and_fill(rig, small_disk)
    good = store.offsets(KEY)

    rig.turn(21)
    fail_to_save(rig)
    failures, while_full = rig.metric(SAVES_FAILED), store.offsets(KEY)
    filler.unlink()
    rig.turn(20)
    rig.engine.leave()

    assert failures > 0
    assert while_full == good
    assert sorted(rig.scores()) == [(0, offset) for offset in range(60)]
    assert rig.scores() == Rig(list(SCRIPT)).turn(61).scores()
    assert store.offsets(KEY)[-1] == 60
    assert decode(store.load(KEY, 60), "newest").next_offset == 60
    assert rig.metric('streamer_unsaved_records{partition="0",topic="pumps"}') == 0


def test_a_crash_while_it_is_full_is_gone_on_from_the_last_good_checkpoint(small_disk: Path) -> None:
    store = DirectoryStore(small_disk)
    crashed = Rig(list(SCRIPT), interval_seconds=20.0, store=store).turn(20)
    save_and_fill(crashed, small_disk)
    crashed.turn(21)
    fail_to_save(crashed)

    again = Rig(list(SCRIPT), crashed.committed, interval_seconds=20.0, store=DirectoryStore(small_disk)).turn(61)

    assert crashed.metric(SAVES_FAILED) > 0
    assert crashed.scores() | again.scores() == Rig(list(SCRIPT)).turn(61).scores()
    assert not crashed.scores().keys() & again.scores().keys()
    assert again.metric('streamer_readings_replayed_total{group="pumps"}') > 0


def test_it_stops_while_there_is_still_something_to_go_on_from(small_disk: Path) -> None:
    store, oldest = DirectoryStore(small_disk), {FIRST: 0}
    script = [Assigned((FIRST,)), *(batch(FIRST, at, [value]) for at, value in enumerate(WALK * 30))]
    rig = Rig(list(script), interval_seconds=20.0, store=store, oldest=oldest).turn(40)
    save_and_fill(rig, small_disk)
    newest = store.offsets(KEY)[-1]
    rig.turn(1)
    fail_to_save(rig)
    rig.turn(1)  # asks for the oldest offset, since that failed
    oldest[FIRST] = newest - 1

    with pytest.raises(StoreError, match=f"newer than the one at {newest}"):
        rig.turn(200)

    again = Rig(list(script), rig.committed, interval_seconds=1e9, store=store, oldest=oldest).turn(301)
    assert rig.scores() | again.scores() == Rig(list(script)).turn(301).scores()
