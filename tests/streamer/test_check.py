"""What `streamer check` says of memory: every part of the state, and that a tier keeps to its limit."""

import numpy as np
import pytest

from models.experts.bank import Tier
from streamer import config
from streamer.check import bytes_of, report
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge


@pytest.mark.parametrize(
    ("cell", "channels"), [("gru", 1), ("gru", 3), ("lstm", 3)]
)  # one lone channel pays for its row
@pytest.mark.parametrize("tier", list(Tier))
def test_the_state_of_a_channel_keeps_to_the_limit_of_its_tier(cell: str, tier: Tier, channels: int) -> None:
    parts = bytes_of(judge(cell, channels, tier=tier.value))

    assert sum(parts.values()) <= tier.limit_bytes * channels


def test_the_parts_are_all_that_is_remembered_and_the_recurrent_state_is_whole() -> None:
    ours = judge("lstm", 3, horizons=[1, 24])
    partition = Partition(ours, WHERE)

    parts = bytes_of(ours)

    table = sum(column.row_bytes for column in ours.detector.columns)
    assert 0 <= partition.table.row_bytes - table < 64  # rounded up to a line of the cache
    assert sum(parts.values()) == table + partition.columns.size_bytes // len(partition.columns["heard"])
    assert parts["cell"] == 3 * 2 * 32 * np.dtype(np.float32).itemsize
    assert {"tempo", "scale", "experts", "cell", "forecast", "alarm", "order", "silence", "eviction"} < parts.keys()


def test_the_report_names_artifact_and_horizons_and_counts_a_million_series() -> None:
    group = {"name": "pumps", "topics": ["pumps"], "format": {"type": "json"}, "tier": "rich", "horizons": [1, 12]}
    source = {"type": "replay", "files": [{"path": "none", "topic": "pumps"}]}
    loaded = config.parse({"source": source, "sink": {"type": "discard"}, "groups": [group]}, "f.yaml")

    lines = report(loaded).splitlines()

    total = sum(bytes_of(judge(tier="rich", horizons=[1, 12])).values())
    [told] = [line for line in lines if line.startswith("# group pumps: gru")]
    assert told.endswith(" (combiner, gru, rich) at the horizons [1, 12]")
    assert f"#   {total:,} bytes of state a series, {total / 1000:.2f} GB a million series" in lines
    assert f"#   {total:,} bytes a channel; at horizon 1 alone the tier rich has at most 8,192" in lines
    assert "#     alarm: 24" in lines
