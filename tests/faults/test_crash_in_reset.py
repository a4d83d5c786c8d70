"""A reset that is cut short leaves what was before, what was asked for, or a daemon that refuses: never a mixture."""

import itertools
import shutil
from copy import deepcopy
from pathlib import Path

import pytest

from connectors.directory_store import DirectoryStore
from connectors.errors import StateError
from connectors.memory import Script
from connectors.memory_delivery import Ledger
from connectors.ports import Assigned, Ended
from streamer import epoch
from streamer.keeper import Keeper
from streamer.position import Position
from streamer.reset import Reset
from streamer.wiring import make_groups, make_metrics
from tests.faults.fuse import Crashed, Fuse, Moment, fused
from tests.faults.world import (
    DISK_CALLS,
    FIRST,
    SECOND,
    STORE_CALLS,
    Inline,
    UnsyncedDisk,
    World,
    assert_same,
    batch,
    configuration,
)
from tests.streamer.groups import MemoryGroup

SCRIPT: Script = [
    Assigned((FIRST, SECOND)),
    *(batch(FIRST, offset, 4) for offset in range(0, 28, 4)),
    batch(SECOND, 0, 5),
    Ended(),
]
COMMITTED, END = 16, 28
BEFORE, AFTER, REFUSED = "before", "after", "refused"


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", 6)


@pytest.fixture
def past(tmp_path: Path) -> World:
    """A group in the middle of its topic, with two checkpoints."""
    world = World("gru", tmp_path / "past", SCRIPT, checkpoint_seconds=2.0)
    world.live(
        Fuse(), turns=next(turns for turns in itertools.count() if committed_after(turns, tmp_path) == COMMITTED)
    )
    return world


def committed_after(turns: int, folder: Path) -> int:
    world = World("gru", folder / f"tried-{turns}", SCRIPT)
    world.live(Fuse(), turns=turns)
    return world.ledger.committed.get(FIRST, 0)


def copy(world: World, folder: Path) -> World:
    """The same offsets and checkpoints; of results only those to come."""
    shutil.copytree(world.folder, folder)
    ledger = Ledger(committed=dict(world.ledger.committed), epochs=deepcopy(world.ledger.epochs))
    return World(world.cell, folder, SCRIPT, ledger=ledger)


def reset(world: World, to: Position, fuse: Fuse, *, is_fresh: bool) -> None:
    settings = configuration(world.cell)
    metrics = make_metrics(settings)
    store = fused(DirectoryStore(world.folder, fused(UnsyncedDisk(), fuse, DISK_CALLS)), fuse, STORE_CALLS)
    keeper = Keeper(store, 1e9, metrics.state, lambda: 0.0, Inline())
    members = fused(MemoryGroup(world.ledger.committed, {FIRST: END, SECOND: 5}), fuse, ("committed", "move"))
    planned = Reset(members, store, keeper, make_groups(settings, metrics, lambda: 0.0))
    for move in planned.plan(to, is_fresh=is_fresh, partitions=[FIRST]):
        planned.carry_out(move)


def outcome(world: World, before: World, after: World) -> str:
    """What a daemon makes of what was left."""
    try:
        world.live(Fuse())
    except StateError:
        return REFUSED
    for name, expected in ((AFTER, after), (BEFORE, before)):
        try:
            assert_same(world, expected)
        except AssertionError:
            continue
        return name
    return "a mixture"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a crash closes no file
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(
    ("to", "is_fresh", "possible"),
    [
        (Position(offset=9), False, {BEFORE, AFTER}),
        (Position(offset=9), True, {BEFORE, REFUSED, AFTER}),
        (Position(offset=22), False, {BEFORE, AFTER}),
        (Position(offset=22), True, {BEFORE, REFUSED, AFTER}),
        (Position(word="committed"), True, {BEFORE, REFUSED, AFTER}),
    ],
)
def test_a_reset_cut_short_at_any_call_is_done_or_not_done_or_refused(
    to: Position, is_fresh: bool, possible: set[str], moment: Moment, past: World, tmp_path: Path
) -> None:
    before, after, fuse = copy(past, tmp_path / "before"), copy(past, tmp_path / "after"), Fuse()
    before.live(Fuse())
    reset(after, to, fuse, is_fresh=is_fresh)
    after.live(Fuse())

    outcomes = []
    for nth in range(1, len(fuse.calls) + 1):
        world = copy(past, tmp_path / f"cut-{nth}")
        with pytest.raises(Crashed):
            reset(world, to, Fuse(nth, moment), is_fresh=is_fresh)
        again = copy(world, tmp_path / f"again-{nth}")
        outcomes.append(outcome(world, before, after))

        reset(again, to, Fuse(), is_fresh=is_fresh)
        assert outcome(again, before, after) == AFTER

    assert possible - {AFTER} <= set(outcomes) <= possible
