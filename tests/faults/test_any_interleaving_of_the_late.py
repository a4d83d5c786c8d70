"""Any interleaving of late readings, silences and deaths gives what one straight run does."""

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

OPTIONS = {"order": {"reorder_seconds": 200.0, "max_held_readings": 9}, "silence": {"after_seconds": 160.0}}


def late(where: TopicPartition) -> Records:
    """A reading every half minute, each up to five minutes early or late."""
    random = np.random.default_rng(where.partition)
    rows = []
    for offset in range(READINGS):
        second = 3600 + 30 * offset + int(random.integers(-300, 300))
        time = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
        value = 900.0 if offset % 17 == 16 else random.normal()
        rows.append((f"pump-{offset % 5}".encode(), orjson.dumps({"t": time, "value": value})))
    return records_of(where, rows)


LOG = Log({where: late(where) for where in PARTITIONS}, OPTIONS)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> World:
    return LOG.straight(tmp_path_factory.mktemp("straight"))


def test_there_are_late_readings_silences_and_alarms_to_compare(straight: World) -> None:
    assert len(straight.rejects()) > 5
    assert len(straight.silences()) > 20
    assert straight.alarms()


@settings(max_examples=15, deadline=None)
@given(
    script=scripts().map(LOG.in_pieces),
    deaths=st.lists(st.integers(0, 12), max_size=3),
    pace=st.sampled_from([0.0, 12.0, 1e9]),
)
def test_what_is_held_back_survives_any_interleaving(
    straight: World, script: Script, deaths: list[int], pace: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = LOG.lived(Path(folder), script, deaths, pace)

        assert_same(world, straight)
