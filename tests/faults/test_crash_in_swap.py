"""A crash at any call while another artifact is taken up changes nothing but where its barrier falls.

The reference is one partition alone, without engine, checkpoints or past: its shadow follows from the first record,
and succeeds where the results say that the barrier fell.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from connectors.columns import Alarms, Records, TopicPartition
from connectors.decode import Decoder
from connectors.memory import Script
from connectors.ports import Assigned, Ended, Revoked
from models.artifact import load, shipped
from streamer import epoch, snapshot
from streamer.checkpoint import Checkpoint
from streamer.judge import Judge
from streamer.partition import Partition
from streamer.shadow import Learnt, Shadow
from tests.faults.fuse import Crashed, Fuse, Moment
from tests.faults.world import FIRST, SECOND, World, alarms_of, assert_same_state, batch, configuration
from tests.streamer.fleets import judge
from tests.streamer.plain_loop import COLUMNS
from tests.streamer.rivals import NEVER, judged_by, rival

PROMOTED_AFTER = 4  # turns
LINE = 0.05  # many alarms
ROUNDS = 9  # of two records of each partition, before one of them leaves for a while


def rounds(first: int, second: int, count: int) -> Script:
    """Two records of each partition, so many times, from these offsets on."""
    return [
        records
        for number in range(count)
        for records in (batch(FIRST, first + 2 * number, 2), batch(SECOND, second + 2 * number, 2))
    ]


SCRIPT: Script = [
    Assigned((FIRST, SECOND)),
    batch(FIRST, 0, 9),
    batch(SECOND, 0, 5),
    *rounds(9, 5, ROUNDS),
    Revoked((FIRST,)),
    Assigned((FIRST,)),
    *rounds(9 + 2 * ROUNDS, 5 + 2 * ROUNDS, 3),
    Ended(),
]
ENDS = {FIRST: 9 + 2 * (ROUNDS + 3), SECOND: 5 + 2 * (ROUNDS + 3)}


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", 6)


class Expected(NamedTuple):
    """What comes of a partition."""

    results: dict[int, list[np.ndarray]]
    alarms: list[Alarms]
    state: Checkpoint


@cache
def rivals(cell: str) -> tuple[Judge, Judge]:
    champion = judge(cell, eviction=configuration(cell).groups[0].eviction, line=LINE)
    return champion, judged_by(rival(cell), champion)


@cache
def expected(cell: str, where: TopicPartition, barrier: int) -> Expected:
    """Of the partition alone, whose champion is in force before the barrier."""
    champion, challenger = (replace_names(one) for one in rivals(cell))
    partition = Partition(champion, where)
    partition.shadow = Shadow(Learnt.nothing(challenger), NEVER)
    decoder = Decoder("pumps", configuration(cell).groups[0].format, ["value"])
    progresses = []
    for records in [one for one in SCRIPT if isinstance(one, Records) and one.topic_partition == where]:
        for part in records.split(barrier):
            if len(part) and part.next_offset > barrier and partition.shadow is not None:
                partition.succeed(partition.shadow)
            if len(part):
                progresses.append(partition.advance(decoder.decode(part)[0]))
    if barrier == ENDS[where]:
        partition.shadow = None
    results = {
        offset: [np.asarray(getattr(result, name)[position]) for name in COLUMNS]
        for progress in progresses
        for result in progress.results
        for position, offset in enumerate(result.readings.offset.tolist())
    }
    alarms = [one for progress in progresses for one in progress.alarms]
    return Expected(results, alarms, snapshot.take(partition, ENDS[where]))


def replace_names(one: Judge) -> Judge:
    """The judge of the group in the world."""
    return replace(one, group="pumps", channels=("value",))


def barrier_of(world: World, cell: str, where: TopicPartition) -> int:
    """The first offset that the second artifact judged; the end where it judged none. Never back and forth."""
    names = world.artifacts(where)
    old = load(shipped(cell)).name
    barrier = next((offset for offset, name in names.items() if name != old), ENDS[where])
    assert all((name == old) == (offset < barrier) for offset, name in names.items())
    return barrier


def assert_as_expected(world: World, cell: str) -> dict[TopicPartition, int]:
    """-> where the barriers fell."""
    barriers = {where: barrier_of(world, cell, where) for where in ENDS}
    parts = {where: expected(cell, where, barrier) for where, barrier in barriers.items()}
    results = world.results()
    assert results.keys() == {(where.partition, offset) for where, part in parts.items() for offset in part.results}
    for where, part in parts.items():
        for offset, members in part.results.items():
            for name, value, member in zip(COLUMNS, results[where.partition, offset], members, strict=True):
                np.testing.assert_array_equal(value, member, err_msg=f"{name} of {where.partition}-{offset}")
        if world.states()[where].artifact == part.state.artifact:  # else the barrier is behind the last record
            assert_same_state(world.states()[where], part.state)
    assert world.alarms() == alarms_of(one for part in parts.values() for one in part.alarms)
    assert world.ledger.committed == ENDS
    return barriers


def swapping(cell: str, folder: Path) -> World:
    alarms = {"alarm": {"readings_per_alarm": 1 / LINE}}
    return World(cell, folder, SCRIPT, promotion=(PROMOTED_AFTER, rival(cell)), options=alarms)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_both_partitions_are_swapped_in_the_middle_of_an_undisturbed_run(cell: str, tmp_path: Path) -> None:
    world, fuse = swapping(cell, tmp_path / "w"), Fuse()
    world.live(fuse)

    barriers = assert_as_expected(world, cell)

    assert all(9 < barrier < ENDS[where] - 6 for where, barrier in barriers.items())
    assert len(world.alarms()) > 2
    assert "MemoryPast.read" in fuse.calls


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a crash closes no file
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(("cell", "step"), [("gru", 13), ("lstm", 31)])
def test_a_crash_at_any_call_changes_nothing_but_the_barrier(
    cell: str, step: int, moment: Moment, tmp_path: Path
) -> None:
    undisturbed = swapping(cell, tmp_path / "undisturbed")
    counting = Fuse()
    undisturbed.live(counting)
    seen = set()

    for nth in range(1, len(counting.calls) + 1, step):
        world = swapping(cell, tmp_path / str(nth))
        with pytest.raises(Crashed):
            world.live(Fuse(nth, moment))
        world.live(Fuse())

        seen.add(assert_as_expected(world, cell)[FIRST])

    assert len(seen) > 1  # or no crash has had it begin anew
