"""The device that state lives on: it stays there, its scores are those of the CPU, and its checkpoints anybody's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from connectors.columns import Readings, Results
from streamer import config, snapshot
from streamer.checkpoint import decode, encode
from streamer.judge import Judge
from streamer.partition import Partition
from streamer.wiring import build
from tests.device import DEVICE
from tests.streamer.fleets import WHERE, judge, walk

pytestmark = pytest.mark.device

READINGS = 100_000 if DEVICE == "cuda" else 10_000  # of the CPU beside itself, fewer say as much
SCORE_TOLERANCE, FORECAST_TOLERANCE = 5e-3, 1e-4  # of the line; of the width of the band
CHOICES = [("gru", "combiner", "compact"), ("lstm", "combiner", "rich"), ("gru", "recurrent", "compact")]


def on(device: str, choice: tuple[str, str, str]) -> Judge:
    cell, forecaster, tier = choice
    return judge(cell, channels=2, forecaster=forecaster, tier=tier, device=device)


def advanced(partition: Partition, readings: Readings) -> Sequence[Results]:
    return partition.advance(readings).results


def assert_near(came: Sequence[Results], expected: Sequence[Results]) -> None:
    assert len(came) == len(expected) > 0
    for ours, theirs in zip(came, expected, strict=True):
        np.testing.assert_allclose(ours.anomaly_score, theirs.anomaly_score, atol=SCORE_TOLERANCE)
        width = np.where(theirs.upper > theirs.lower, theirs.upper - theirs.lower, 1.0)  # a first one has no band
        np.testing.assert_allclose(ours.forecast / width, theirs.forecast / width, rtol=0, atol=FORECAST_TOLERANCE)


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_scores_are_those_of_the_cpu(choice: tuple[str, str, str]) -> None:
    batch = walk(READINGS, series=500, channels=2)

    came = advanced(Partition(on(DEVICE, choice), WHERE), batch)

    assert_near(came, advanced(Partition(on("cpu", choice), WHERE), batch))


def test_no_cut_of_the_readings_changes_a_bit() -> None:
    batch = walk(READINGS // 5, series=500, channels=2)

    whole = joined(advanced(Partition(on(DEVICE, CHOICES[0]), WHERE), batch))
    cut = Partition(on(DEVICE, CHOICES[0]), WHERE)
    pieces = [
        one for start in range(0, len(batch), 777) for one in advanced(cut, batch.take(slice(start, start + 777)))
    ]

    for ours, theirs in zip(joined(pieces), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def joined(results: Sequence[Results]) -> list[NDArray[np.float64]]:
    """Score, novelty, surge, forecast and band of all readings."""
    names = ("anomaly_score", "novelty", "surge", "forecast", "lower", "upper")
    return [np.concatenate([getattr(one, name) for one in results]) for name in names]


def test_state_weights_and_pool_stay_on_the_device() -> None:
    partition = Partition(on(DEVICE, CHOICES[0]), WHERE)

    partition.advance(walk(5_000, series=500, channels=2))

    assert partition.pool.epoch > 0
    detector = partition.judge.detector
    kept = [partition.pool.closed, partition.pool.open, *detector.parameters(), *detector.buffers()]
    assert {tensor.device.type for tensor in kept} == {partition.table.device.type} == {DEVICE}


@pytest.mark.parametrize(("before", "after"), [(DEVICE, "cpu"), ("cpu", DEVICE)])
def test_a_checkpoint_of_one_device_is_gone_on_with_on_another(before: str, after: str) -> None:
    batch = walk(4_000, series=100, channels=2)
    first, rest = batch.take(slice(2_000)), batch.take(slice(2_000, None))
    partition = Partition(on(before, CHOICES[0]), WHERE)
    partition.advance(first)

    saved = decode(b"".join(encode(snapshot.take(partition, 2_000))), "test")
    heir = snapshot.restored(saved, on(after, CHOICES[0]))
    came = advanced(heir, rest)

    whole = Partition(on("cpu", CHOICES[0]), WHERE)
    whole.advance(first)
    assert heir.table.device.type == after
    assert_near(came, advanced(whole, rest))


def test_a_replay_is_scored_on_the_device(tmp_path: Path) -> None:
    values = np.cumsum(np.random.default_rng(0).normal(size=300))
    rows = [
        {"series": f"pump-{n % 3}", "time": f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z", "value": value}
        for n, value in enumerate(values.tolist())
    ]
    (tmp_path / "pumps.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    settings = {
        "device": DEVICE,
        "source": {"type": "replay", "files": [{"path": str(tmp_path / "pumps.jsonl"), "topic": "pumps"}]},
        "sink": {"type": "files", "directory": str(tmp_path / "out")},
        "http": {"port": 0},
        "groups": [
            {
                "name": "pumps",
                "topics": ["pumps"],
                "format": {"type": "json", "series_field": "series", "timestamp_field": "time"},
            }
        ],
    }

    with build(config.parse(settings, "test")) as daemon:
        daemon.turn_until(lambda: daemon.has_ended)

    [written] = (tmp_path / "out").glob("*result*.jsonl")
    results = [orjson.loads(line) for line in written.read_bytes().splitlines()]
    assert len(results) == len(rows)
    assert all(result["anomaly_score"] >= 0 for result in results)
