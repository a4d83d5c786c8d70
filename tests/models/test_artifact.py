"""Artifacts: what is saved is what is loaded, and what does not fit is refused with a reason."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.artifact import Artifact, ArtifactError, Spec, load, save, shipped
from models.forecaster import RecurrentForecaster
from models.pool import BINS


@pytest.fixture
def artifact() -> Artifact:
    torch.manual_seed(0)
    prior = torch.arange(BINS, dtype=torch.int64)
    return Artifact(Spec("lstm", 4), RecurrentForecaster("lstm", 4), prior, {"seed": 7, "nll": 1.5})


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_package_ships_weights_of_every_cell_below_two_megabytes(cell: str) -> None:
    loaded = load(shipped(cell))

    assert loaded.spec.cell == cell
    assert int(loaded.prior.sum()) > 100_000
    assert loaded.training["seed"] == 7
    assert shipped(cell).stat().st_size < 2_000_000


def test_what_is_saved_is_what_is_loaded(artifact: Artifact, tmp_path: Path) -> None:
    name = save(artifact, tmp_path / "a.safetensors")

    loaded = load(tmp_path / "a.safetensors")

    assert loaded.name == name == artifact.name
    assert loaded.spec == artifact.spec
    assert torch.equal(loaded.prior, artifact.prior)
    assert loaded.training == artifact.training


def test_other_weights_are_another_name(artifact: Artifact) -> None:
    torch.manual_seed(1)
    other = Artifact(artifact.spec, RecurrentForecaster("lstm", 4), artifact.prior)

    assert other.name != artifact.name


def test_a_damaged_file_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path / "a.safetensors")
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ArtifactError, match=r"a\.safetensors: Expected a safetensors artifact, got: "):
        load(tmp_path / "a.safetensors")


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"none\.safetensors: Expected a safetensors artifact, got: "):
        load(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "Expected a header with format_version and spec"),
        ({"streamer": "{}"}, "Expected a header with format_version and spec"),
        (
            {"streamer": '{"format_version": 9, "spec": {"cell": "gru", "hidden": 4}}'},
            "Expected format_version up to 2, got 9",
        ),
        (
            {"streamer": '{"format_version": 1, "spec": {"cell": "mamba", "hidden": 4}}'},
            r"Expected a cell of \['gru', 'lstm', .*\], got 'mamba'",
        ),
    ],
)
def test_a_wrong_header_is_refused(metadata: dict[str, str] | None, message: str, tmp_path: Path) -> None:
    save_file({"prior": torch.zeros(BINS, dtype=torch.int64)}, tmp_path / "a.safetensors", metadata=metadata)

    with pytest.raises(ArtifactError, match=message):
        load(tmp_path / "a.safetensors")


def test_an_artifact_of_format_1_is_read_with_the_decay_that_has_become_the_cells(
    artifact: Artifact, tmp_path: Path
) -> None:
    old = {key.replace("cell.forgetting", "forgetting"): w for key, w in artifact.forecaster.state_dict().items()}
    header = json.dumps({"format_version": 1, "spec": {"cell": "lstm", "hidden": 4}})
    tensors = {**{f"weights.{key}": weight for key, weight in old.items()}, "prior": artifact.prior}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"streamer": header})

    loaded = load(tmp_path / "a.safetensors")

    assert "forgetting" in old
    assert loaded.name == artifact.name
    assert json.loads(_header(loaded.content))["format_version"] == 2


def _header(content: bytes) -> str:
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    return str(metadata["streamer"])


def test_weights_of_another_size_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    wrong = Artifact(Spec("lstm", 8), artifact.forecaster, artifact.prior)
    save(wrong, tmp_path / "a.safetensors")

    with pytest.raises(ArtifactError, match=r"Expected the weights of Spec\(cell='lstm', hidden=8"):
        load(tmp_path / "a.safetensors")
