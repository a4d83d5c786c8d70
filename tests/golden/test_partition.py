"""State that an earlier version saved is gone on from for ever: not only read, but judged by."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.artifact import read
from streamer import snapshot
from streamer.checkpoint import FORMAT_VERSION, decode
from streamer.judge import choices_of, make_judge
from streamer.partition import Partition
from streamer.steps import Steps
from tests.golden.make_partition import NAMES, judged
from tests.streamer.fleets import judge

GOLDEN = sorted(Path(__file__).parent.glob("[gl]*-*.checkpoint"))


CURRENT = [path for path in GOLDEN if path.stem.endswith(f"-{FORMAT_VERSION}")]


def gone_on(path: Path) -> tuple[Partition, dict[str, np.ndarray]]:
    """The partition of a golden checkpoint, and what it was expected to make of the readings after it."""
    checkpoint, ours = decode(path.read_bytes(), str(path)), judge()
    artifact = read(checkpoint.artifact_content, checkpoint.artifact)
    by = make_judge("machines", choices_of(checkpoint.settings), artifact, Steps(ours.device), ours.phases)
    expected = json.loads(path.with_suffix(".json").read_text())
    return snapshot.restored(checkpoint, by), {name: np.array(expected[name], dtype=np.float64) for name in NAMES}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_partition_of_a_golden_checkpoint_goes_on_with_its_forecasts(path: Path) -> None:
    partition, expected = gone_on(path)

    came = judged(partition)

    assert len(partition.series) == 5
    np.testing.assert_allclose(came["forecast"], expected["forecast"], rtol=2e-3)  # a series that is warming keeps pace
    assert np.isfinite(came["anomaly_score"]).all()


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.stem)
def test_state_of_this_format_is_judged_by_as_if_it_had_never_been_saved(path: Path) -> None:
    partition, expected = gone_on(path)

    assert (partition.epoch.accepted, len(partition.buffer), int(partition.pool.epoch)) == (896, 3, 1)
    came = judged(partition)
    for name in NAMES:
        np.testing.assert_allclose(came[name], expected[name], rtol=1e-4, atol=2e-3, err_msg=name)  # of another machine


def test_there_is_one_of_each_cell() -> None:
    assert {path.stem.partition("-")[0] for path in CURRENT} == {"gru", "lstm"}
