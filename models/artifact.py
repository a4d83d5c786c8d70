"""Artifacts: spec, weights, prior pool and where they come from, in one safetensors file. Loading runs no code."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.cells import CELLS
from models.forecaster import RecurrentForecaster
from models.pool import BINS

FORMAT_VERSION = 1
SHIPPED = Path(__file__).parent / "artifacts"


class ArtifactError(Exception):
    """An artifact that cannot be used: names the file, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What must be built before the weights fit."""

    cell: str
    hidden: int
    forecaster: str = "recurrent"


@dataclass(frozen=True, slots=True)
class Artifact:
    """Shared weights with all that is needed to use them."""

    spec: Spec
    forecaster: RecurrentForecaster
    prior: Tensor  # int64 (BINS,) counts of surprise on held-out synthetic streams
    training: dict[str, Any] = field(default_factory=dict)  # recipe and figures, for people

    @property
    def name(self) -> str:
        """Cell, size and a fingerprint of the weights: equal names are equal scores."""
        digest = hashlib.sha256()
        for key, weight in sorted(self.forecaster.state_dict().items()):
            digest.update(key.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
        return f"{self.spec.cell}{self.spec.hidden}-{digest.hexdigest()[:10]}"


def save(artifact: Artifact, path: str | Path) -> str:
    """Write the artifact. -> its name."""
    tensors = {f"weights.{key}": weight.contiguous() for key, weight in artifact.forecaster.state_dict().items()}
    header = {"format_version": FORMAT_VERSION, "spec": asdict(artifact.spec), "training": artifact.training}
    metadata = {"streamer": json.dumps(header, sort_keys=True)}
    save_file({**tensors, "prior": artifact.prior}, str(path), metadata=metadata)
    return artifact.name


def load(path: str | Path) -> Artifact:
    """Read an artifact.

    Raises:
        ArtifactError: the file is absent, damaged, of another format version, or its weights do not fit its spec.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path}: Expected a safetensors artifact, got: {error}") from error
    spec, training = _read_header(path, metadata)
    forecaster = RecurrentForecaster(spec.cell, spec.hidden)
    prior = tensors.pop("prior", torch.zeros(0, dtype=torch.int64))
    if prior.shape != (BINS,):
        raise ArtifactError(f"{path}: Expected a prior of {BINS} bins, got shape {tuple(prior.shape)}")
    weights = {key.removeprefix("weights."): tensor for key, tensor in tensors.items()}
    try:
        forecaster.load_state_dict(weights)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: Expected the weights of {spec}, got: {error}") from error
    return Artifact(spec, forecaster.eval().requires_grad_(False), prior, training)


def _read_header(path: str | Path, metadata: dict[str, str]) -> tuple[Spec, dict[str, Any]]:
    try:
        header = json.loads(metadata["streamer"])
        version, spec = header["format_version"], Spec(**header["spec"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: Expected a header with format_version and spec, got: {error!r}") from error
    if version != FORMAT_VERSION:
        raise ArtifactError(f"{path}: Expected format_version {FORMAT_VERSION}, got {version!r}")
    if spec.cell not in CELLS:
        raise ArtifactError(f"{path}: Expected a cell of {sorted(CELLS)}, got {spec.cell!r}")
    return spec, dict(header.get("training", {}))


def shipped(cell: str) -> Path:
    """The artifact of this cell that comes with the package."""
    return SHIPPED / f"{cell}.safetensors"
