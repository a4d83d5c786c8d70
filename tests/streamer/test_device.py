"""The configured device: state stays there, and its scores are those of the CPU within a tolerance."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from streamer.judge import Judge
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, walk

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def on(device: str, cell: str) -> Judge:
    ours = judge(cell, channels=2)
    return replace(ours, device=torch.device(device), detector=ours.detector.to(device))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_scores_of_a_device_are_those_of_the_cpu(device: str, cell: str) -> None:
    batch = walk(20_000, series=500, channels=2)
    reference, ours = Partition(judge(cell, channels=2), WHERE), Partition(on(device, cell), WHERE)

    expected, came = reference.advance(batch).results, ours.advance(batch).results

    for theirs, result in zip(expected, came, strict=True):
        np.testing.assert_allclose(result.anomaly_score, theirs.anomaly_score, atol=2e-3)
        np.testing.assert_allclose(result.forecast, theirs.forecast, rtol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_hidden_state_stays_on_the_device(device: str) -> None:
    partition = Partition(on(device, "gru"), WHERE)

    partition.advance(walk(100, series=5, channels=2))

    assert partition.table.device.type == device
