"""What a reset plans: where each partition goes on, and with which state."""

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from connectors.errors import ConfigError
from connectors.memory_store import Contents, MemoryStore
from connectors.ports import Assigned, StateKey
from streamer.checkpoint import decode, encode
from streamer.keeper import Keeper
from streamer.position import Position
from streamer.reset import Move, Reset, table
from streamer.wiring import make_groups, make_metrics
from tests.streamer.groups import MemoryGroup
from tests.streamer.rig import CONFIG, FIRST, SECOND, WALK, Rig, batch

KEY = StateKey("pumps", FIRST)


class Past:
    """A group that has read ten records of one partition and none of another, with checkpoints at 0 and 10."""

    def __init__(self) -> None:
        self.contents: Contents = {}
        self.group = MemoryGroup({}, {FIRST: 20, SECOND: 5})
        rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)], self.group.offsets, self.contents).turn(2)
        rig.engine.leave()
        metrics = make_metrics(CONFIG)
        store = MemoryStore(self.contents)
        self.keeper = Keeper(store, 1e9, metrics.state, lambda: 0.0)
        self.reset = Reset(self.group, store, self.keeper, make_groups(CONFIG, metrics, lambda: 0.0))

    def plan(self, to: str, *, is_fresh: bool = False) -> dict[int, Move]:
        position = Position.parse("--to", to, ("earliest", "latest", "committed"), may_be_offset=True)
        moves = self.reset.plan(position, is_fresh=is_fresh, partitions=[FIRST, SECOND])
        return {move.where.partition: move for move in moves}


@pytest.fixture
def past() -> Iterator[Past]:
    made = Past()
    yield made
    made.keeper.close()


@pytest.mark.parametrize(
    ("to", "target", "kept", "removed"),
    [
        ("earliest", 0, 0, (10,)),
        ("latest", 20, 10, ()),
        ("committed", 10, 10, ()),
        ("7", 7, 0, (10,)),
        ("1970-01-01T00:00:00.150Z", 15, 10, ()),
        ("2100-01-01T00:00:00+02:00", 20, 10, ()),
    ],
)
def test_the_newest_checkpoint_that_is_not_ahead_stays_and_those_ahead_go(
    to: str, target: int, kept: int, removed: tuple[int, ...], past: Past
) -> None:
    move = past.plan(to)[0]

    assert (move.committed, move.target, move.kept, move.removed) == (10, target, kept, removed)


def test_fresh_keeps_none(past: Past) -> None:
    move = past.plan("latest", is_fresh=True)[0]

    assert (move.target, move.kept, move.removed, move.state) == (20, None, (0, 10), "fresh")


def test_a_partition_that_was_never_committed_stays_so_and_can_be_sent_elsewhere(past: Past) -> None:
    assert 1 not in past.plan("committed")
    assert past.plan("latest")[1].state == "fresh: no checkpoint at or before"


def test_a_checkpoint_before_what_is_retained_is_not_gone_on_from(past: Past) -> None:
    past.group.first[FIRST] = 4

    move = past.plan("earliest")[0]

    assert (move.target, move.kept, move.removed) == (4, None, (0, 10))
    assert move.state == "fresh: checkpoint 0 lies before what is retained, from 4"


def test_a_checkpoint_of_a_topic_that_was_made_anew_is_not_gone_on_from(past: Past) -> None:
    stored = decode(past.contents[KEY][10], "stored")
    stored.source["topic_id"] = "old"
    past.contents[KEY] = {10: b"".join(encode(stored))}
    past.group.topic_id = "new"

    move = past.plan("latest")[0]

    assert move.state == "fresh: checkpoint 10 is of a topic that was deleted"
    assert move.origin.topic_id == "new"


def test_a_damaged_checkpoint_is_passed_over_and_removed(past: Past) -> None:
    past.contents[KEY][10] = b"damaged"

    move = past.plan("committed")[0]

    assert (move.kept, move.removed) == (0, (10,))


def test_an_empty_state_is_kept_where_the_group_was_sent(past: Past) -> None:
    past.reset.carry_out(past.plan("latest", is_fresh=True)[0])

    assert past.group.offsets[FIRST] == 20
    [(offset, content)] = past.contents[KEY].items()
    checkpoint = decode(content, "kept")
    assert (offset, checkpoint.next_offset, checkpoint.series) == (20, 20, [])
    assert checkpoint.source["partitions"] == 1  # as the group began with the topic, whatever it has now


def test_members_are_named_in_the_refusal(past: Past) -> None:
    past.group.present = ["host-9464 at 10.0.0.7"]

    with pytest.raises(ConfigError, match=r"Expected nobody in the group, got 1: host-9464 at 10\.0\.0\.7.*10 s"):
        past.reset.refuse_members(10.0)


def test_the_table_tells_partition_offsets_and_state(past: Past) -> None:
    text = StringIO()

    Console(file=text, width=120).print(table(past.plan("7").values()))

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.getvalue().splitlines() if "│" in line]
    assert rows == [
        ["pumps-0", "10", "7", "checkpoint 0, 7 offsets to step silently"],
        ["pumps-1", "-", "5", "fresh: no checkpoint at or before"],
    ]


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31", "2026-01-31T00:00:00", "12", "-1", ""])
def test_a_place_that_is_none_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(ConfigError, match="--to: Expected earliest, latest or an ISO-8601 time with its zone"):
        Position.parse("--to", text, ("earliest", "latest"))


def test_an_offset_stays_within_what_can_be_read(past: Past) -> None:
    past.group.first[FIRST] = 4

    assert [Position(offset=offset).of(FIRST, past.group) for offset in (0, 4, 7, 99)] == [4, 4, 7, 20]
