"""`streamer train` on files: from a configuration to an artifact that the daemon uses."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.table import Table

from connectors.errors import ConfigError
from models.artifact import load
from models.forecasters import Spec
from models.training.snapshot import SnapshotFile
from streamer.config import parse
from streamer.training import train as command
from streamer.wiring import build
from tests.streamer.training.waves import config, wave, write_lines


class Interrupted(Exception):
    """The process is gone."""


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "pumps.jsonl", *(wave(f"pump-{number}", 150) for number in range(4)))


def train(raw: dict[str, Any]) -> list[Table | str]:
    return list(command.train(parse(raw, "f.yaml")))


def test_the_artifact_says_what_it_is_and_where_it_comes_from(lines: Path, tmp_path: Path) -> None:
    told = train(config(lines))

    artifact = load(tmp_path / "pumps.safetensors")
    assert artifact.spec == Spec("gru", 4, "combiner", "compact")
    assert artifact.origin.training["epochs"] == 2
    assert artifact.origin.data["readings"] == 600
    assert artifact.origin.data["trained_series"] == 3
    assert artifact.origin.data["first"] == "2026-01-01T00:00:00+00:00"
    assert artifact.origin.versions["torch"] == torch.__version__
    assert 0 < artifact.origin.metrics["crps_ratio"] < 1
    assert int(artifact.prior.sum()) == artifact.origin.metrics["judged"] == 149
    assert told[0] == "600 readings of 4 series; refused: none"
    assert told[-1] == f"{artifact.name} is in {tmp_path / 'pumps.safetensors'}"


def test_every_epoch_has_a_line_in_the_log(lines: Path, tmp_path: Path) -> None:
    train(config(lines))

    with (tmp_path / "pumps.safetensors.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [row["epoch"] for row in epochs] == ["0", "1", "2"]
    assert (epochs[0]["trained_loss"], epochs[0]["readings"]) == ("", "0")
    assert all(float(row["held_out_loss"]) > 0 for row in epochs)
    assert all(float(row["readings"]) > 1_000 and float(row["readings_per_second"]) > 0 for row in epochs[1:])


def test_equal_readings_and_an_equal_configuration_give_equal_files(lines: Path, tmp_path: Path) -> None:
    train(config(lines))
    first = (tmp_path / "pumps.safetensors").read_bytes()

    train(config(lines))

    assert (tmp_path / "pumps.safetensors").read_bytes() == first


def test_a_training_that_was_interrupted_goes_on_to_the_same_file(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config(lines))
    undisturbed = (tmp_path / "pumps.safetensors").read_bytes()
    (tmp_path / "pumps.safetensors").unlink()
    kept = SnapshotFile.save

    def breaks(keeper: SnapshotFile, content: bytes) -> None:
        kept(keeper, content)
        raise Interrupted

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(SnapshotFile, "save", breaks)
        train(config(lines))
    assert (tmp_path / "pumps.safetensors.training").exists()
    train(config(lines))

    assert (tmp_path / "pumps.safetensors").read_bytes() == undisturbed
    assert not (tmp_path / "pumps.safetensors.training").exists()


def test_the_rest_of_another_training_is_refused_and_says_how_to_begin_anew(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(SnapshotFile, "save", stops_after(SnapshotFile.save))
        train(config(lines))

    with pytest.raises(ConfigError, match=r"training: Expected the snapshot of a training with {'seed': 8}, got one .*"
                                          r"pumps.safetensors.training is of a training that was interrupted"):  # fmt: skip
        train(config(lines, seed=8))


def stops_after(save: Any) -> Any:
    def breaks(keeper: SnapshotFile, content: bytes) -> None:
        save(keeper, content)
        raise Interrupted

    return breaks


@pytest.fixture(params=["each", "joint"])
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A configuration of two channels whose artifact is there."""
    path = tmp_path / "pumps.csv"
    one, other = wave("pump", 200), wave("pump", 200, seed=1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "pressure", "flow"])
        columns = (one.timestamp // 1_000_000_000, one.values[:, 0], other.values[:, 0])
        writer.writerows(zip(*(column.tolist() for column in columns), strict=True))
    raw = config(path, start={"type": "random", "hidden": 4, "channels": request.param})
    raw["training"]["data"]["files"] = [{"path": str(path), "key": "pump"}]
    raw["source"]["files"][0]["key"] = "pump"
    raw["groups"][0] |= {"channels": ["pressure", "flow"], "horizons": [1, 3]}
    del raw["groups"][0]["format"]["series_field"]
    train(raw)
    raw["groups"][0]["artifact"] = str(tmp_path / "pumps.safetensors")
    yield raw


def test_the_daemon_scores_with_what_was_trained(trained: dict[str, Any], tmp_path: Path) -> None:
    with build(parse(trained, "f.yaml")) as daemon:
        daemon.turn_until(lambda: daemon.has_ended)
        daemon.leave()

    results = (tmp_path / "scored" / "results.jsonl").read_text().splitlines()
    assert len(results) == 200
    assert f'"artifact":"{load(tmp_path / "pumps.safetensors").name}"' in results[-1]


def test_training_goes_on_from_the_artifact_of_the_group(trained: dict[str, Any], tmp_path: Path) -> None:
    before = load(tmp_path / "pumps.safetensors")
    trained["training"] |= {"start": {"type": "artifact"}, "output": str(tmp_path / "again.safetensors")}

    train(trained)

    after = load(tmp_path / "again.safetensors")
    assert after.spec == before.spec
    assert after.origin.training["start"] == before.name


@pytest.mark.parametrize(
    ("group", "training", "message"),
    [
        ({}, {"group": "valves"}, r"training.group: Expected one of \['pumps'\], got 'valves'"),
        ({}, {"output": "/nowhere/a.safetensors"}, "training.output: Expected a directory /nowhere, got none"),
        ({}, {"held_out_ratio": 0.9, "start": {"type": "artifact", "path": "none"}}, "none: Expected a safetensors"),
        ({}, {"data": {"type": "files", "files": [{"path": "none.csv"}]}}, "none.csv: expected a data file, got none"),
        ({"channels": ["flow"]}, {}, "Expected several series of 32 readings and more.*; refused: .*no_channel"),
        ({"forecaster": "experts"}, {}, "Expected one with weights to train, got experts alone"),
        ({"forecaster": "recurrent"}, {"start": {"type": "random", "channels": "joint"}}, "Expected a combiner where"),
        ({}, {"learning_rate": 1e30}, "training: loss in epoch 1, windows .*: Expected a number, got"),
    ],
)
def test_what_cannot_be_trained_is_said(
    group: dict[str, Any], training: dict[str, Any], message: str, lines: Path
) -> None:
    raw = config(lines, **training)
    raw["groups"][0] |= group

    with pytest.raises(ConfigError, match=message):
        train(raw)


def test_a_configuration_without_the_table_is_refused(lines: Path) -> None:
    raw = config(lines)
    del raw["training"]

    with pytest.raises(ConfigError, match="Expected a table `training`, got none"):
        train(raw)
