"""Artifacts: spec, weights, prior pool and where they come from, in one safetensors file. Loading runs no code."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from models.cells import CELLS
from models.forecaster import RecurrentForecaster
from models.pool import BINS

FORMAT_VERSION = 2
RENAMED = {1: {"forgetting": "cell.forgetting"}}  # weights of older formats that are still read, by version
SHIPPED = Path(__file__).parent / "artifacts"


class ArtifactError(Exception):
    """An artifact that cannot be used: names the file, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What must be built before the weights fit."""

    cell: str
    hidden: int
    forecaster: str = "recurrent"


@dataclass(frozen=True)
class Artifact:
    """Shared weights, which never change, with all that is needed to use them."""

    spec: Spec
    forecaster: RecurrentForecaster
    prior: Tensor  # int64 (BINS,) counts of surprise on held-out synthetic streams
    training: dict[str, Any] = field(default_factory=dict)  # recipe and figures, for people

    @cached_property
    def name(self) -> str:
        """Cell, size and a fingerprint of the weights: equal names are equal scores."""
        digest = hashlib.sha256()
        for key, weight in sorted(self.forecaster.state_dict().items()):
            digest.update(key.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
        return f"{self.spec.cell}{self.spec.hidden}-{digest.hexdigest()[:10]}"

    @cached_property
    def content(self) -> bytes:
        """The file that this artifact is kept in."""
        weights = self.forecaster.state_dict()
        tensors = {f"weights.{key}": weight.detach().cpu().contiguous() for key, weight in weights.items()}
        header = {"format_version": FORMAT_VERSION, "spec": asdict(self.spec), "training": self.training}
        metadata = {"streamer": json.dumps(header, sort_keys=True)}
        content: bytes = save_tensors({**tensors, "prior": self.prior.cpu()}, metadata=metadata)
        return content


def save(artifact: Artifact, path: str | Path) -> str:
    """Write the artifact. -> its name."""
    Path(path).write_bytes(artifact.content)
    return artifact.name


def load(path: str | Path) -> Artifact:
    """Read the artifact in a file.

    Raises:
        ArtifactError: the file is absent, or see `read`.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path}: Expected a safetensors artifact, got: {error}") from error
    return read(content, str(path))


def read(content: bytes, path: str) -> Artifact:
    """Read an artifact. ``path`` is for what is said where it cannot be used.

    Raises:
        ArtifactError: it is damaged, of another format version, or its weights do not fit its spec.
    """
    try:
        tensors = load_tensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError) as error:
        raise ArtifactError(f"{path}: Expected a safetensors artifact, got: {error}") from error
    version, spec, training = _read_header(path, header.get("__metadata__", {}))
    forecaster = RecurrentForecaster(spec.cell, spec.hidden)
    prior = tensors.pop("prior", torch.zeros(0, dtype=torch.int64))
    if prior.shape != (BINS,):
        raise ArtifactError(f"{path}: Expected a prior of {BINS} bins, got shape {tuple(prior.shape)}")
    renamed = RENAMED.get(version, {})
    named = {key.removeprefix("weights."): tensor for key, tensor in tensors.items()}
    weights = {renamed.get(key, key): tensor for key, tensor in named.items()}
    try:
        forecaster.load_state_dict(weights)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: Expected the weights of {spec}, got: {error}") from error
    return Artifact(spec, forecaster.eval().requires_grad_(False), prior, training)


def _read_header(path: str, metadata: dict[str, str]) -> tuple[int, Spec, dict[str, Any]]:
    try:
        header = json.loads(metadata["streamer"])
        version, spec = header["format_version"], Spec(**header["spec"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: Expected a header with format_version and spec, got: {error!r}") from error
    if version not in (*RENAMED, FORMAT_VERSION):
        raise ArtifactError(f"{path}: Expected format_version up to {FORMAT_VERSION}, got {version!r}")
    if spec.cell not in CELLS:
        raise ArtifactError(f"{path}: Expected a cell of {sorted(CELLS)}, got {spec.cell!r}")
    return version, spec, dict(header.get("training", {}))


def shipped(cell: str) -> Path:
    """The artifact of this cell that comes with the package."""
    return SHIPPED / f"{cell}.safetensors"
