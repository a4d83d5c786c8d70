"""An artifact of every format that was ever written loads for ever, and says what it said."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.artifact import FORMAT_VERSION, Artifact, Origin, load, read
from models.calibration.prior import BINS
from models.forecasters import Spec
from models.forecasters.network import Network
from tests.golden.make_artifact import forecasts, golden

HERE = Path(__file__).parent


def of_format(version: int) -> Artifact:
    return load(HERE / f"format-{version}.safetensors")


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_the_weights_forecast_what_they_did(version: int) -> None:
    expected = json.loads((HERE / f"format-{version}.json").read_text())

    said = forecasts(of_format(version))

    for now, then in zip(said, expected, strict=True):
        assert now == [None if number is None else pytest.approx(number, rel=1e-5, abs=1e-5) for number in then]


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_the_prior_has_the_counts_it_had(version: int) -> None:
    assert torch.equal(of_format(version).prior, torch.arange(BINS))


def test_format_1_tells_its_figures_apart_from_its_recipe() -> None:
    artifact = of_format(1)

    assert artifact.spec == Spec("lstm", 4, "recurrent", "compact", None)
    assert artifact.origin == Origin(training={"seed": 7}, metrics={"nll": 1.5})


def test_the_newest_format_has_everything_it_was_written_with() -> None:
    artifact, expected = of_format(FORMAT_VERSION), golden()

    assert (artifact.spec, artifact.origin) == (expected.spec, expected.origin)


def test_the_head_of_an_older_combiner_is_blind_to_what_it_never_saw() -> None:
    then = load_file(HERE / "combiner-2.safetensors")["weights.network.mix.weight"]

    artifact = load(HERE / "combiner-2.safetensors")

    network = artifact.forecaster.network
    assert isinstance(network, Network)
    sizes = [4 + 5 + 6, 6 + 3, 1 + 2]  # hidden, experts and errors; what the panel says; the horizon and which channel
    before, panel, after = torch.split(network.mix.weight, sizes)
    assert torch.equal(torch.cat((before, after)), then)
    assert not panel.any()
    said = forecasts(artifact)
    assert all(math.isfinite(forecast) for reading in said[1:] for forecast in reading if forecast is not None)


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_an_older_format_is_written_again_as_the_newest(version: int) -> None:
    artifact = of_format(version)

    again = read(artifact.content, "again")

    assert f'"format_version\\": {FORMAT_VERSION}'.encode() in again.content
    assert (again.name, again.origin) == (artifact.name, artifact.origin)
    assert forecasts(again) == forecasts(artifact)
