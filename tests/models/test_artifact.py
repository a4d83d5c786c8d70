"""Artifacts: what is saved is what is loaded, and what does not fit is refused with a reason."""

import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.artifact import Artifact, ArtifactError, Origin, load, save, shipped, versions, write_atomically
from models.calibration.prior import BINS
from models.forecasters import BASELINES, Spec
from models.forecasters.recurrent import RecurrentForecaster

OLD_COMBINER = Path(__file__).parents[1] / "golden" / "combiner-2.safetensors"
ORIGIN = Origin({"seed": 7}, {"crps_ratio": 0.75}, {"fingerprint": "0123"}, versions())


@pytest.fixture
def artifact() -> Artifact:
    torch.manual_seed(0)
    prior = torch.arange(BINS, dtype=torch.int64)
    return Artifact(Spec("lstm", 4), RecurrentForecaster("lstm", 4), prior, ORIGIN)


CHOICES = [
    *((cell, "combiner", tier) for cell in ("gru", "lstm") for tier in ("compact", "rich")),
    *((cell, "recurrent", "compact") for cell in ("gru", "lstm")),
    *(("", "experts", tier) for tier in ("compact", "rich")),
    *(("", baseline, "compact") for baseline in BASELINES),
]


@pytest.mark.parametrize(("cell", "forecaster", "tier"), CHOICES)
def test_the_package_ships_an_artifact_of_every_choice(cell: str, forecaster: str, tier: str) -> None:
    loaded = load(shipped(cell, forecaster, tier))

    assert (loaded.spec.cell, loaded.spec.forecaster, loaded.spec.tier) == (cell, forecaster, tier)
    assert int(loaded.prior.sum()) > 100_000


def test_all_that_is_shipped_stays_below_two_megabytes() -> None:
    paths = [shipped(*choice) for choice in CHOICES]

    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert sum(path.stat().st_size for path in paths) < 2_000_000


def test_artifacts_of_different_choices_have_different_names() -> None:
    names = [load(shipped(*choice)).name for choice in CHOICES]

    assert len({*names}) == len(names)
    assert [name.rpartition("-")[0] for name in names[-5:]] == ["experts-compact", "experts-rich", *BASELINES]


def test_what_is_saved_is_what_is_loaded(artifact: Artifact, tmp_path: Path) -> None:
    name = save(artifact, tmp_path / "a.safetensors")

    loaded = load(tmp_path / "a.safetensors")

    assert loaded.name == name == artifact.name
    assert loaded.spec == artifact.spec
    assert torch.equal(loaded.prior, artifact.prior)
    assert loaded.origin == artifact.origin


def test_another_prior_is_another_name_and_another_origin_is_not(artifact: Artifact) -> None:
    """Scores follow from weights and prior, and from no word about them."""
    assert dataclasses.replace(artifact, prior=artifact.prior + 1).name != artifact.name
    assert dataclasses.replace(artifact, origin=Origin()).name == artifact.name


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
            "Expected format_version 1 to 3, got 9",
        ),
        (
            {"streamer": '{"format_version": 1, "spec": {"cell": "mamba", "hidden": 4}}'},
            r"cell: Expected one of \['attention', 'gru', .*\], got 'mamba'",
        ),
    ],
)
def test_a_wrong_header_is_refused(metadata: dict[str, str] | None, message: str, tmp_path: Path) -> None:
    save_file({"prior": torch.zeros(BINS, dtype=torch.int64)}, tmp_path / "a.safetensors", metadata=metadata)

    with pytest.raises(ArtifactError, match=message):
        load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("spec", "gru"),
        ("weights.network.out.weight", None),
        ("weights.network.mix.weight", torch.zeros(0, 8)),
        ("weights.network.out.weight", torch.zeros(3)),
    ],
)
def test_an_old_combiner_that_cannot_be_migrated_is_refused(key: str, content: object, tmp_path: Path) -> None:
    with safe_open(OLD_COMBINER, "pt") as old:
        header = json.loads(old.metadata()["streamer"])
    tensors = load_file(OLD_COMBINER)
    tensors.pop(key, None)
    if isinstance(content, torch.Tensor):
        tensors[key] = content
    elif content is not None:
        header[key] = content
    save_file(tensors, tmp_path / "a.safetensors", metadata={"streamer": json.dumps(header)})

    with pytest.raises(ArtifactError, match=r"a\.safetensors: Expected spec and weights of format 2, got: \w*Error"):
        load(tmp_path / "a.safetensors")


def test_weights_that_are_no_numbers_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    spoilt = RecurrentForecaster("lstm", 4)
    spoilt.head.linear.bias.data[1] = torch.nan
    save(dataclasses.replace(artifact, forecaster=spoilt), tmp_path / "a.safetensors")

    with pytest.raises(ArtifactError, match=r"Expected finite weights, got others in \['head.linear.bias'\]"):
        load(tmp_path / "a.safetensors")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")

    def breaks(_: int) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, "fsync", breaks)
    with pytest.raises(OSError, match="the disk is gone"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_atomically(path, b"newest")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("a", b"newest")]


def test_weights_of_another_size_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    wrong = Artifact(Spec("lstm", 8), artifact.forecaster, artifact.prior)
    save(wrong, tmp_path / "a.safetensors")

    with pytest.raises(ArtifactError, match=r"Expected the weights of Spec\(cell='lstm', hidden=8"):
        load(tmp_path / "a.safetensors")
