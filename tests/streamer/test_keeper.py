"""The keeper goes on from the newest checkpoint that can be gone on from, and from no other."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from connectors.directory_store import DirectoryStore
from connectors.errors import StateError
from streamer.checkpoint import encode
from streamer.config import parse
from streamer.keeper import Keeper
from streamer.wiring import make_metrics
from tests.streamer.checkpoints import KEY, a_checkpoint

CONFIG = parse(
    {
        "source": {"type": "replay", "files": [{"path": "none", "topic": "readings"}]},
        "sink": {"type": "discard"},
        "groups": [{"name": "machines", "topics": ["readings"], "format": {"type": "json", "timestamp_field": "t"}}],
    },
    "test",
)


def keeper_of(folder: Path, offsets: Iterable[int]) -> Keeper:
    """Over a directory that has checkpoints of these next offsets."""
    store = DirectoryStore(folder)
    for offset in offsets:
        store.publish(KEY, offset, encode(a_checkpoint(next_offset=offset)))
    return Keeper(store, 30.0, make_metrics(CONFIG).state, lambda: 0.0)


@pytest.mark.parametrize(("committed", "found"), [(30, 30), (29, 20), (1000, 40), (10, 10)])
def test_a_checkpoint_that_is_ahead_of_what_was_committed_is_passed_over(
    tmp_path: Path, committed: int, found: int
) -> None:
    keeper = keeper_of(tmp_path, (10, 20, 30, 40))

    assert keeper.find(KEY, committed).next_offset == found


def test_where_all_are_ahead_it_is_said_what_there_is(tmp_path: Path) -> None:
    keeper = keeper_of(tmp_path, (10, 20))

    with pytest.raises(StateError, match=r"at or before the committed offset 9, got \[10, 20\]; `streamer reset`"):
        keeper.find(KEY, 9)


def test_a_damaged_one_is_passed_over_for_the_one_before_it(tmp_path: Path) -> None:
    keeper = keeper_of(tmp_path, (10, 20))
    [newest] = tmp_path.rglob("*20.checkpoint")
    newest.write_bytes(newest.read_bytes()[:-1])

    assert keeper.find(KEY, 1000).next_offset == 10
