"""State that an earlier version saved is gone on from for ever: not only read, but judged by."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.artifact import read
from streamer import snapshot
from streamer.checkpoint import decode
from streamer.config import Choices
from streamer.judge import make_judge
from tests.golden.make_partition import NAMES, judged
from tests.streamer.fleets import judge

GOLDEN = sorted(Path(__file__).parent.glob("[gl]*-*.checkpoint"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_partition_of_a_golden_checkpoint_goes_on(path: Path) -> None:
    checkpoint = decode(path.read_bytes(), str(path))
    ours = judge()
    choices = msgspec.convert(checkpoint.settings, Choices)
    artifact = read(checkpoint.artifact_content, checkpoint.artifact)

    restored = snapshot.restored(checkpoint, make_judge("machines", choices, artifact, ours.device, ours.phases))

    assert len(restored.series) == 5
    assert (restored.epoch.accepted, len(restored.buffer), int(restored.pool.epoch)) == (896, 3, 1)
    expected = json.loads(path.with_suffix(".json").read_text())
    came = judged(restored)
    for name in NAMES:
        numbers = np.array(expected[name], dtype=np.float64)
        np.testing.assert_allclose(came[name], numbers, rtol=1e-4, atol=2e-3, err_msg=name)  # of another machine


def test_there_is_one_of_each_cell() -> None:
    assert {path.stem.partition("-")[0] for path in GOLDEN} == {"gru", "lstm"}
