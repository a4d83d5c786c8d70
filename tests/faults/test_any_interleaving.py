"""Any interleaving of cuts, partitions, evictions, rebalances and restores gives the outputs of a plain loop."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import TopicPartition
from connectors.decode import Decoder
from connectors.memory import Idle, Script
from connectors.ports import Assigned, Ended, Event, Revoked
from streamer import epoch
from streamer.checkpoint import Checkpoint
from tests.faults.fuse import Fuse
from tests.faults.world import FIRST, SECOND, World, assert_same_state, batch, configuration
from tests.streamer.fleets import judge
from tests.streamer.plain_loop import COLUMNS, plain_loop

READINGS = 60  # of each partition
PARTITIONS = (FIRST, SECOND)

Cut = tuple[TopicPartition, int]  # so many records of this partition come next
Step = Cut | Event | Idle


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Both partitions to their ends, in pieces, with partitions that leave and come back in between."""
    script: list[Step] = [Assigned(PARTITIONS)]
    left = dict.fromkeys(PARTITIONS, READINGS)
    while any(left.values()):
        where = draw(st.sampled_from([each for each, count in left.items() if count]))
        match draw(st.sampled_from(["records", "records", "records", "rebalance", "idle"])):
            case "records":
                count = draw(st.integers(1, min(left[where], 25)))
                script.append((where, count))
                left[where] -= count
            case "rebalance":
                script += [Revoked((where,)), *draw(st.sampled_from([[], [Idle()]])), Assigned((where,))]
            case _:
                script.append(Idle())
    return [*filled(script), Idle(), Idle(), Ended()]


def filled(script: list[Step]) -> Script:
    offsets = dict.fromkeys(PARTITIONS, 0)
    entries: list[object] = []
    for step in script:
        if isinstance(step, tuple):
            where, count = step
            entries.append(LOGS[where].split(offsets[where])[1].split(offsets[where] + count)[0])
            offsets[where] += count
        else:
            entries.append(step)
    return entries  # type: ignore[return-value]


LOGS = {where: batch(where, 0, READINGS) for where in PARTITIONS}


@cache
def plain(cell: str, where: TopicPartition) -> dict[int, list[np.ndarray]]:
    """The plain loop over all that can be read of a partition, by offset."""
    options = configuration(cell).groups[0]
    readings, _ = Decoder("pumps", options.format, ["value"]).decode(LOGS[where])
    ours = judge(cell, eviction=options.eviction, line=1 / options.alarm.readings_per_alarm)
    columns = plain_loop(ours, readings)
    assert len(columns["anomaly_score"]) == len(readings)  # nothing is late in this log
    return {
        offset: [columns[name][position] for name in COLUMNS]
        for position, offset in enumerate(readings.offset.tolist())
    }


@cache
def states_of_a_straight_life(cell: str) -> dict[TopicPartition, Checkpoint]:
    """What is kept in the end where everything comes at once and nobody dies."""
    with tempfile.TemporaryDirectory() as folder:
        straight = World(cell, Path(folder), [Assigned(PARTITIONS), *LOGS.values(), Ended()])
        straight.live(Fuse())
        return straight.states()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@settings(max_examples=15, deadline=None)
@given(script=scripts(), deaths=st.lists(st.integers(0, 12), max_size=3), pace=st.sampled_from([0.0, 12.0, 1e9]))
def test_any_interleaving_gives_the_outputs_of_the_plain_loop(
    cell: str, script: Script, deaths: list[int], pace: float
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", 7)
        world = World(cell, Path(folder) / "world", script, checkpoint_seconds=pace)
        for turns in deaths:
            world.live(Fuse(), turns)
        world.live(Fuse())
        straight = states_of_a_straight_life(cell)

        results = world.results()
        for where in PARTITIONS:
            expected = plain(cell, where)
            ours = {offset: members for (partition, offset), members in results.items() if partition == where.partition}
            assert ours.keys() == expected.keys()
            for offset, members in expected.items():
                for name, value, member in zip(COLUMNS, ours[offset], members, strict=True):
                    np.testing.assert_array_equal(value, member.astype(value.dtype), err_msg=f"{name} at {offset}")
            assert_same_state(world.states()[where], straight[where])
