"""That each switch turns one mechanism off while it is asked to, and changes what the detector says."""

import numpy as np
import pytest
import torch
from accuracy.ablation import OF_ALARMS, OF_SURGE, Switch, of_novelty
from accuracy.data import File
from accuracy.replay import Replay, Track

from tests.streamer.fleets import judge

OF_NOVELTY = [*of_novelty("compact")]
COLUMNS = {"novelty": OF_NOVELTY, "surge": OF_SURGE, "ratios": OF_ALARMS}  # what a mechanism has a part in
READINGS = 600  # four days, and some epochs
NOISE = np.random.default_rng(1).standard_normal(READINGS)
JOB = 30.0 * (np.arange(READINGS) % 144 // 6 == 6)  # of an hour in every day
UNREST = np.select(
    [np.arange(READINGS) // 30 == 1, np.arange(READINGS) // 60 == 7], [9.0, 4.0], 1.0
)  # the second is no record
FILES = [
    File(
        source="made",
        name="restless",
        timestamp=np.arange(READINGS) * 600 * 10**9,  # days go by
        values=np.stack(
            (
                np.cumsum(NOISE) + JOB,
                np.repeat(np.random.default_rng(2).integers(0, 3, READINGS // 50), 50).astype(float),
                np.random.default_rng(3).standard_normal(READINGS) * UNREST,
            ),
            axis=1,
        ),
        labels=np.zeros(READINGS, dtype=bool),
    )
]


def said() -> Track:
    (track,) = Replay(judge(channels=3)).tracks(FILES, tuple(COLUMNS))
    return track


@pytest.fixture(scope="module")
def usual() -> Track:
    return said()


@pytest.mark.parametrize(
    ("column", "switch"),
    [(column, switch) for column, switches in COLUMNS.items() for switch in switches],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_a_detector_without_a_mechanism_says_something_else(column: str, switch: Switch, usual: Track) -> None:
    with switch.off():
        without = said()

    assert np.isfinite(without.columns[column]).all()
    assert not np.array_equal(without.columns[column], usual.columns[column])


def test_the_rich_tier_has_a_part_more_that_can_be_without_a_say() -> None:
    *as_compact, of_readout = of_novelty("rich")
    usual = judge(tier="rich").detector.novelty.alone

    with of_readout.off():
        without = judge(tier="rich").detector.novelty.alone

    assert [switch.name for switch in as_compact] == [switch.name for switch in OF_NOVELTY]
    assert of_readout.name == "readout in novelty"
    assert torch.equal(without[:-1], usual[:-1])
    assert without[-1] == 0 < usual[-1]


def test_a_mechanism_is_on_again_after_the_block_even_where_it_fails() -> None:
    switch = Switch("rounding", torch, "round", lambda *_: None)
    usual = torch.round

    def stopped() -> None:
        with switch.off():
            assert torch.round(torch.ones(1)) is None
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()

    assert torch.round is usual
