"""Steps: judges that would step alike share one, whatever else they differ in, and no others do."""

import gc
import weakref
from typing import Any

import pytest
import torch

from models.alarm import Hysteresis
from models.artifact import load, shipped
from models.detector import DetectorOptions
from models.rules import Rule
from models.transform import Transform
from streamer import config
from streamer.group import Group
from streamer.steps import Steps
from streamer.wiring import make_groups, make_metrics
from tests.streamer.rivals import rival

CPU = torch.device("cpu")
GRU = load(shipped("gru"))
OTHERS = {
    "weights": (rival("gru"), (1,), DetectorOptions()),
    "horizons": (GRU, (1, 3), DetectorOptions()),
    "transform": (GRU, (1,), DetectorOptions(transforms=(Transform.DIFFERENCE,))),
    "channels": (GRU, (1,), DetectorOptions(transforms=(Transform.NONE, Transform.NONE))),
    "hysteresis": (GRU, (1,), DetectorOptions(hysteresis=Hysteresis(0.25, 3))),
    "coverage": (GRU, (1,), DetectorOptions(band_coverage=0.5)),
    "rules": (GRU, (1,), DetectorOptions(rules=(Rule(highest=3.0),))),
}


def groups_of(*settings: dict[str, Any]) -> list[Group]:
    files = [{"path": "none", "topic": f"topic-{number}"} for number in range(len(settings))]
    source = {"type": "replay", "files": files}
    groups = [
        {"name": f"group {number}", "topics": [f"topic-{number}"], "format": {"type": "json"}} | of_group
        for number, of_group in enumerate(settings)
    ]
    loaded = config.parse({"source": source, "sink": {"type": "discard"}, "groups": groups}, "f.yaml")
    return make_groups(loaded, make_metrics(loaded), clock=lambda: 0.0)


def test_the_same_weights_read_twice_have_one_step() -> None:
    steps = Steps(CPU)

    assert steps.of(GRU, (1,), DetectorOptions()) is steps.of(load(shipped("gru")), (1,), DetectorOptions())


@pytest.mark.parametrize("other", OTHERS)
def test_what_changes_a_step_makes_another(other: str) -> None:
    steps = Steps(CPU)
    ours = steps.of(GRU, (1,), DetectorOptions())
    theirs = steps.of(*OTHERS[other])

    assert theirs is not ours
    assert steps.of(*OTHERS[other]) is theirs


def test_what_nobody_steps_any_more_is_forgotten() -> None:
    steps = Steps(CPU)
    ours = steps.of(GRU, (1,), DetectorOptions())
    of_ours = weakref.ref(ours)

    del ours
    gc.collect()

    assert of_ours() is None


def test_groups_that_differ_in_what_no_step_knows_share_one() -> None:
    first, second, third = (
        group.judges.first
        for group in groups_of(
            {}, {"alarm": {"readings_per_alarm": 99}, "time_zone": "Asia/Tokyo"}, {"rules": [{"valid_range": [0, 3]}]}
        )
    )

    assert second.step is first.step
    assert second.pool.budget != first.pool.budget
    assert third.step is not first.step


def test_an_artifact_that_cannot_forecast_so_far_is_refused_whoever_asks_first() -> None:
    recurrent = load(shipped("gru", "recurrent"))

    for _ in range(2):
        with pytest.raises(ValueError, match=r"Expected \(1,\) of a recurrent forecaster, got \(1, 24\)"):
            Steps(CPU).of(recurrent, (1, 24), DetectorOptions())
