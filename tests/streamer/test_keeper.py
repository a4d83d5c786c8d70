"""The keeper: which checkpoint is gone on from, and what is never taken for one."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from connectors.directory_store import DirectoryStore
from connectors.errors import StateError, StoreError, TransientError
from connectors.ports import Assigned, StateKey
from streamer.checkpoint import encode
from streamer.keeper import Keeper
from streamer.wiring import make_metrics
from tests.streamer.checkpoints import KEY as OTHER
from tests.streamer.checkpoints import a_checkpoint
from tests.streamer.rig import CONFIG, FIRST, SECOND, WALK, Rig, batch

KEY = StateKey("pumps", FIRST)
SCRIPT = [Assigned((FIRST,)), batch(FIRST, 0, WALK)]


def saved() -> Rig:
    """A rig that has read ten records, with checkpoints at 0 and 10."""
    rig = Rig(SCRIPT).turn(2)
    rig.engine.leave()
    return rig


@pytest.mark.parametrize("oldest", [0, 500])
def test_a_group_whose_offsets_are_lost_does_not_begin_anew_beside_its_state(oldest: int) -> None:
    contents = saved().contents
    rig = Rig(SCRIPT, contents=contents, oldest={FIRST: oldest})

    with pytest.raises(StateError, match="Expected a committed offset beside the checkpoints"):
        rig.turn(1)

    assert rig.committed == {}
    assert sorted(contents[KEY]) == [0, 10]


def test_an_empty_state_is_begun_from_again_wherever_the_partition_begins_by_now() -> None:
    died = Rig(SCRIPT).turn(1)  # between its first checkpoint and its first commit

    rig = Rig(SCRIPT, contents=died.contents, oldest={FIRST: 4}).turn(2)

    assert sorted(rig.scores()) == [(0, offset) for offset in range(4, 10)]


@pytest.mark.parametrize(("key", "next_offset"), [(KEY, 5), (StateKey("pumps", SECOND), 10)])
def test_a_checkpoint_under_the_name_of_another_is_not_gone_on_from(key: StateKey, next_offset: int) -> None:
    contents = saved().contents
    misplaced = {key: {next_offset: contents[KEY][10]}}

    with pytest.raises(StateError, match="Expected a checkpoint at or before the committed offset 10"):
        Rig([Assigned((key.topic_partition,))], {key.topic_partition: 10}, misplaced).turn(1)


def test_a_store_that_cannot_be_read_now_is_asked_again() -> None:
    rig = Rig(SCRIPT, {FIRST: 10}, saved().contents)
    for _ in range(2):
        rig.store.fail_next(StoreError("the share is away"), "load")

    with pytest.raises(TransientError, match="the share is away"):
        rig.keeper.find(KEY, 10)

    assert rig.keeper.find(KEY, 10).next_offset == 10


def keeper_of(folder: Path, offsets: Iterable[int]) -> Keeper:
    """Over a directory that has checkpoints of these next offsets."""
    store = DirectoryStore(folder)
    for offset in offsets:
        store.publish(OTHER, offset, encode(a_checkpoint(next_offset=offset)))
    return Keeper(store, 30.0, make_metrics(CONFIG).state, lambda: 0.0)


@pytest.mark.parametrize(("committed", "found"), [(30, 30), (29, 20), (1000, 40), (10, 10)])
def test_a_checkpoint_that_is_ahead_of_what_was_committed_is_passed_over(
    tmp_path: Path, committed: int, found: int
) -> None:
    keeper = keeper_of(tmp_path, (10, 20, 30, 40))

    assert keeper.find(OTHER, committed).next_offset == found


def test_where_all_are_ahead_it_is_said_what_there_is(tmp_path: Path) -> None:
    keeper = keeper_of(tmp_path, (10, 20))

    with pytest.raises(StateError, match=r"at or before the committed offset 9, got \[10, 20\]; `streamer reset`"):
        keeper.find(OTHER, 9)


def test_a_damaged_one_is_passed_over_for_the_one_before_it(tmp_path: Path) -> None:
    keeper = keeper_of(tmp_path, (10, 20))
    [newest] = tmp_path.rglob("*20.checkpoint")
    newest.write_bytes(newest.read_bytes()[:-1])

    assert keeper.find(OTHER, 1000).next_offset == 10
