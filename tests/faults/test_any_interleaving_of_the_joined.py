"""Any interleaving of channels that come apart, rebalances and deaths gives what one straight run does."""

import tempfile
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Records, TopicPartition
from connectors.memory import Script, records_of
from connectors.ports import Assigned, Ended
from streamer import epoch
from tests.faults.fuse import Fuse
from tests.faults.test_any_interleaving import PARTITIONS, READINGS, scripts
from tests.faults.world import World, assert_same

CHANNELS = ["heat", "flow"]
OPTIONS = {
    "format": {"type": "json", "timestamp_field": "t", "channel_field": "name", "value_field": "value"},
    "channels": CHANNELS,
    "order": {"join_seconds": 120.0, "reorder_seconds": 60.0, "max_held_readings": 5},
    "silence": {"after_seconds": 300.0},
}
CELL = "gru"


def apart(where: TopicPartition) -> Records:
    """A channel of one of three pumps every twenty seconds, each up to two minutes early or late."""
    random = np.random.default_rng(where.partition)
    rows = []
    for offset in range(READINGS):
        second = 3600 + 20 * offset + int(random.integers(-120, 120))
        time = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
        value = 900.0 if offset % 17 == 16 else random.normal()
        name = "rust" if offset % 13 == 12 else CHANNELS[int(random.integers(2))]
        rows.append((f"pump-{random.integers(3)}".encode(), orjson.dumps({"t": time, "name": name, "value": value})))
    return records_of(where, rows)


LOGS = {where: apart(where) for where in PARTITIONS}


def of_the_joined(script: Script) -> Script:
    """The same script over other records."""
    return [
        LOGS[entry.topic_partition].split(int(entry.offset[0]))[1].split(entry.next_offset)[0]
        if isinstance(entry, Records)
        else entry
        for entry in script
    ]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> World:
    script: Script = [Assigned(PARTITIONS), *LOGS.values(), Ended()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", 7)
        world = World(CELL, tmp_path_factory.mktemp("straight"), script, options=OPTIONS)
        world.live(Fuse())
    return world


def test_there_are_joined_and_refused_readings_and_alarms_to_compare(straight: World) -> None:
    reasons = {reason for _, _, reason in straight.rejects()}

    assert reasons >= {"unknown_channel", "late"}
    assert READINGS / 2 < len(straight.results()) < 2 * READINGS - len(straight.rejects()) - 20
    assert straight.alarms()
    assert straight.silences()


@settings(max_examples=6, deadline=None)
@given(
    script=scripts().map(of_the_joined),
    deaths=st.lists(st.integers(0, 12), max_size=3),
    pace=st.sampled_from([0.0, 12.0, 1e9]),
)
def test_what_waits_to_be_joined_survives_any_interleaving(
    straight: World, script: Script, deaths: list[int], pace: float
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch, "MAX_READINGS", 7)
        world = World(CELL, Path(folder), script, checkpoint_seconds=pace, options=OPTIONS)
        for turns in deaths:
            world.live(Fuse(), turns)
        world.live(Fuse())

        assert_same(world, straight)
