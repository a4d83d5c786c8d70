"""`streamer train` on files: from a configuration to an artifact that the daemon uses."""

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.table import Table
from typing_extensions import override

from connectors.errors import ConfigError
from models.artifact import load
from models.forecasters import Spec
from models.training.snapshot import SnapshotFile
from models.training.team import Alone
from streamer.config import parse
from streamer.training import train as command
from streamer.wiring import build
from tests.streamer.training.waves import config, wave, write_lines

pytestmark = pytest.mark.device


class Interrupted(Exception):
    """The process is gone."""


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "pumps.jsonl", *(wave(f"pump-{number}", 64) for number in range(4)))


def train(raw: dict[str, Any]) -> list[Table | str]:
    return list(command.train(parse(raw, "f.yaml")))


def test_the_artifact_says_what_it_is_and_where_it_comes_from(lines: Path, tmp_path: Path) -> None:
    told = train(config(lines))

    artifact = load(tmp_path / "pumps.safetensors")
    assert artifact.spec == Spec("gru", 4, "combiner", "compact")
    assert artifact.origin.training["epochs"] == 2
    assert artifact.origin.data["readings"] == 256
    assert artifact.origin.data["trained_series"] == 3
    assert artifact.origin.data["first"] == "2026-01-01T00:00:00+00:00"
    assert artifact.origin.versions["torch"] == str(torch.__version__)
    assert 0 < artifact.origin.metrics["crps_ratio"] < 1
    assert artifact.origin.metrics["judged"] == 63
    assert int(artifact.prior.sum()) == 62  # one has hardly moved
    assert told[0] == "256 readings of 4 series; refused: none"
    assert told[-1] == f"{artifact.name} is in {tmp_path / 'pumps.safetensors'}"


def test_held_out_series_that_stand_still_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    still = [wave(f"pump-{number}", 64) for number in range(4)]
    for one in still:
        one.values[:] = 7.0
    raw = config(write_lines(tmp_path / "pumps.jsonl", *still))

    with pytest.raises(ConfigError, match="training: readings held out: Expected some that move, got none"):
        train(raw)

    assert not (tmp_path / "pumps.safetensors.csv").exists()


@pytest.mark.parametrize(
    "change", [{"time_zone": "Europe/Paris"}, {"channels": [{"name": "pressure", "transform": "difference"}]}]
)
def test_a_training_that_was_interrupted_is_another_one_where_readings_are_seen_otherwise(
    change: dict[str, Any], lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = config(lines)
    interrupt(raw, monkeypatch)
    raw["groups"][0] |= change

    with pytest.raises(ConfigError, match="Expected the snapshot of a training with"):
        train(raw)


def test_every_epoch_has_a_line_in_the_log(lines: Path, tmp_path: Path) -> None:
    train(config(lines))

    with (tmp_path / "pumps.safetensors.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [row["epoch"] for row in epochs] == ["0", "1", "2"]
    assert (epochs[0]["trained_loss"], epochs[0]["readings"]) == ("", "0")
    assert all(float(row["held_out_loss"]) > 0 for row in epochs)
    assert all(float(row["readings"]) == 1_024 and float(row["readings_per_second"]) > 0 for row in epochs[1:])


def test_a_network_without_experts_is_trained_too(lines: Path, tmp_path: Path) -> None:
    raw = config(lines)
    raw["groups"][0]["forecaster"] = "recurrent"

    train(raw)

    assert load(tmp_path / "pumps.safetensors").spec == Spec("gru", 4, "recurrent", "compact")


def test_first_readings_that_are_masked_are_not_learnt(lines: Path, tmp_path: Path) -> None:
    weights = []
    for masked in (0, 8):
        train(config(lines, reset_ratio=1.0, masked_readings=masked))
        artifact = load(tmp_path / "pumps.safetensors")
        weights.append(torch.cat([weight.flatten() for weight in artifact.forecaster.state_dict().values()]))

    assert artifact.origin.training["masked_readings"] == 8
    assert not torch.equal(*weights)


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

    interrupt(config(lines), monkeypatch)

    assert (tmp_path / "pumps.safetensors.training").exists()
    train(config(lines))

    assert (tmp_path / "pumps.safetensors").read_bytes() == undisturbed
    assert not (tmp_path / "pumps.safetensors.training").exists()


def interrupt(raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until the first snapshot is kept."""
    save = SnapshotFile.save

    def breaks(keeper: SnapshotFile, content: bytes) -> None:
        save(keeper, content)
        raise Interrupted

    monkeypatch.setattr(SnapshotFile, "save", breaks)
    with pytest.raises(Interrupted):
        train(raw)
    monkeypatch.undo()


def test_the_rest_of_another_training_is_refused_and_says_how_to_begin_anew(
    lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(config(lines), monkeypatch)

    with pytest.raises(ConfigError) as refused:
        train(config(lines, reset_ratio=0.5))

    assert "Expected the snapshot of a training with {'reset_ratio': 0.5}, got one with {'reset_ratio': 0.1}" in str(
        refused.value
    )
    assert "pumps.safetensors.training is of a training that was interrupted: remove it to begin anew" in str(
        refused.value
    )


def test_half_precision_where_it_is_borne_learns_about_as_much(lines: Path) -> None:
    """On a GPU: on the CPU there is none, and the two are the same."""
    plain, mixed = (held_out_losses(lines, mixed_precision=is_mixed) for is_mixed in (False, True))

    assert mixed[0] == pytest.approx(plain[0], rel=0.01)
    assert mixed[-1] == pytest.approx(plain[-1], rel=0.02)
    assert mixed[-1] < mixed[0]


def held_out_losses(lines: Path, **training: Any) -> list[float]:
    train(config(lines, **training))
    with lines.with_name("pumps.safetensors.csv").open() as file:
        return [float(row["held_out_loss"]) for row in csv.DictReader(file)]


@pytest.fixture(params=["each", "joint"])
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration of two channels whose artifact is there."""
    path = tmp_path / "pumps.csv"
    one, other = wave("pump", 170), wave("pump", 170, seed=1)
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
    return raw


def test_the_daemon_scores_with_what_was_trained(trained: dict[str, Any], tmp_path: Path) -> None:
    with build(parse(trained, "f.yaml")) as daemon:
        daemon.turn_until(lambda: daemon.has_ended)
        daemon.leave()

    results = (tmp_path / "scored" / "results.jsonl").read_text().splitlines()
    assert len(results) == 170
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
        (
            {},
            {"held_out_ratio": 0.9, "start": {"type": "artifact", "path": "none.safetensors"}},
            "Expected a safetensors",
        ),
        ({}, {"data": {"type": "files", "files": [{"path": "none.csv"}]}}, "none.csv: expected a data file, got none"),
        ({"channels": ["flow"]}, {}, r"Expected several series of 32 readings and more, or one .*, got \[\] readings"),
        ({"forecaster": "experts"}, {}, "Expected one with weights to train, got one without a network"),
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


class Elsewhere(Alone):
    """A process whose leader has seen other readings."""

    @override
    def share(self, content: bytes | None) -> bytes | None:
        return b"other readings"


def test_processes_that_saw_different_readings_are_refused(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "assembled", lambda _: nullcontext(Elsewhere()))

    with pytest.raises(ConfigError, match="Expected equal readings in every process, got others; say where they end"):
        train(config(lines))


def test_a_configuration_without_the_table_is_refused(lines: Path) -> None:
    raw = config(lines)
    del raw["training"]

    with pytest.raises(ConfigError, match="Expected a table `training`, got none"):
        train(raw)
