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
from tests.faults.interleaving import Log
from tests.faults.test_any_interleaving import PARTITIONS, READINGS, scripts
from tests.faults.world import World, assert_same

CHANNELS = ["heat", "flow"]
OPTIONS = {
    "format": {"type": "json", "timestamp_field": "t", "channel_field": "name", "value_field": "value"},
    "channels": CHANNELS,
    "order": {"join_seconds": 120.0, "reorder_seconds": 60.0, "max_held_readings": 5},
    "silence": {"after_seconds": 300.0},
}


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


LOG = Log({where: apart(where) for where in PARTITIONS}, OPTIONS)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> World:
    return LOG.straight(tmp_path_factory.mktemp("straight"))


def test_there_are_joined_and_refused_readings_and_alarms_to_compare(straight: World) -> None:
    reasons = {reason for _, _, reason in straight.rejects()}

    assert reasons >= {"unknown_channel", "late"}
    assert READINGS / 2 < len(straight.results()) < 2 * READINGS - len(straight.rejects()) - 20
    assert straight.alarms()
    assert straight.silences()


@settings(max_examples=6, deadline=None)
@given(
    script=scripts().map(LOG.in_pieces),
    deaths=st.lists(st.integers(0, 12), max_size=3),
    pace=st.sampled_from([0.0, 12.0, 1e9]),
)
def test_what_waits_to_be_joined_survives_any_interleaving(
    straight: World, script: Script, deaths: list[int], pace: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = LOG.lived(Path(folder), script, deaths, pace)

        assert_same(world, straight)
