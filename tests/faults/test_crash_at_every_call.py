"""A crash at any call that leaves the process changes no result and no state, whether the call was done or not."""

from pathlib import Path

import pytest

from connectors.memory import Script
from connectors.ports import Assigned, Ended, Revoked
from streamer import epoch
from tests.faults.fuse import Crashed, Fuse, Moment
from tests.faults.world import DELIVERY_CALLS, DISK_CALLS, FIRST, SECOND, World, assert_same, batch

SCRIPT: Script = [
    Assigned((FIRST, SECOND)),
    batch(FIRST, 0, 9),
    batch(SECOND, 0, 5),
    batch(FIRST, 9, 7),
    Revoked((FIRST,)),
    batch(SECOND, 5, 6),
    Assigned((FIRST,)),
    batch(FIRST, 16, 6),
    Ended(),
]
ENDS = {FIRST: 22, SECOND: 11}


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", 6)


def undisturbed(cell: str, folder: Path) -> tuple[World, list[str]]:
    world, fuse = World(cell, folder, SCRIPT), Fuse()
    world.live(fuse)
    return world, fuse.calls


def test_the_undisturbed_run_scores_everything(tmp_path: Path) -> None:
    world, calls = undisturbed("gru", tmp_path)

    assert {(where.partition, offset) for where, end in ENDS.items() for offset in range(end)} == {
        *world.results(),
        *((partition, offset) for partition, offset, _ in world.rejects()),
    }
    assert len(world.alarms()) > 0
    assert {call.partition(".")[2] for call in calls} >= {*DELIVERY_CALLS, *DISK_CALLS, "poll", "seek", "offsets"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a crash closes no file
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(("cell", "step"), [("gru", 1), ("lstm", 5)])
def test_a_crash_at_any_call_changes_no_result(cell: str, step: int, moment: Moment, tmp_path: Path) -> None:
    reference, calls = undisturbed(cell, tmp_path / "undisturbed")

    for nth in range(1, len(calls) + 1, step):
        world = World(cell, tmp_path / str(nth), SCRIPT)
        with pytest.raises(Crashed):
            world.live(Fuse(nth, moment))
        for where, offsets in world.saved().items():
            assert max(offsets, default=0) <= world.ledger.committed.get(where, 0), (
                "a checkpoint waits for its delivery"
            )
        world.live(Fuse())

        assert_same(world, reference)
