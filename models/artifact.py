"""Artifacts: spec, weights, prior pool and where they come from, in one safetensors file. Loading runs no code."""

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from models.calibration.prior import BINS
from models.experts.bank import Tier
from models.forecasters import Forecaster, Kind, Spec, build

FORMAT_VERSION = 3
HEAD = "weights.network.mix.weight"  # whose inputs were fewer before format 3, which sees how experts are heard
OLD_WEEK = (10, 12)  # the inputs of a format 1 that see the sine and the cosine of the week, then begun on Thursday
OLD_METRICS = ("nll", "share_beyond_p_1e-2", "share_beyond_p_1e-4")  # that format 1 had among the recipe
SHIPPED = Path(__file__).parent / "artifacts"


class ArtifactError(Exception):
    """An artifact that cannot be used: names the file, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from, for people: no score depends on it. Values as JSON has them."""

    training: dict[str, Any] = field(default_factory=dict)  # the recipe
    metrics: dict[str, float] = field(default_factory=dict)  # on readings that were held out
    data: dict[str, Any] = field(default_factory=dict)  # what they were trained on, and its fingerprint
    versions: dict[str, str] = field(default_factory=dict)  # of what trained them


@dataclass(frozen=True)
class Artifact:
    """Shared weights, which never change, with all that is needed to use them."""

    spec: Spec
    forecaster: Forecaster
    prior: Tensor  # int64 (BINS,) counts of surprise on held-out readings
    origin: Origin = Origin()

    @cached_property
    def name(self) -> str:
        """Cell and size, or kind and tier where there is no cell, and a fingerprint of the weights and of the prior.

        Equal names are equal scores.
        """
        digest = hashlib.sha256()
        for key, weight in sorted({**self.forecaster.state_dict(), "prior": self.prior}.items()):
            digest.update(key.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
        spec = self.spec
        what = f"{spec.cell}{spec.hidden}" if spec.cell else "-".join(_words(spec))
        return f"{what}-{digest.hexdigest()[:10]}"

    @cached_property
    def content(self) -> bytes:
        """The file that this artifact is kept in."""
        weights = self.forecaster.state_dict()
        tensors = {f"weights.{key}": weight.detach().cpu().contiguous() for key, weight in weights.items()}
        header = {"format_version": FORMAT_VERSION, "spec": asdict(self.spec), **asdict(self.origin)}
        metadata = {"streamer": json.dumps(header, sort_keys=True)}
        content: bytes = save_tensors({**tensors, "prior": self.prior.cpu()}, metadata=metadata)
        return content


def save(artifact: Artifact, path: str | Path) -> str:
    """Write the artifact, whole or not at all. -> its name."""
    write_atomically(Path(path), artifact.content)
    return artifact.name


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file in its place: whoever reads it, after a crash as well, finds the old content or the new."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


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
    header = _header(header.get("__metadata__", {}), path)
    try:
        header, tensors = _migrated(header, tensors)
        spec = Spec(**header["spec"])
        origin = Origin(**{part.name: header.get(part.name, {}) for part in fields(Origin)})
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: {error}") from error
    except (AttributeError, IndexError, KeyError, RuntimeError) as error:
        expected = f"Expected spec and weights of format {header['format_version']}"
        raise ArtifactError(f"{path}: {expected}, got: {error!r}") from error
    prior = tensors.pop("prior", torch.zeros(0, dtype=torch.int64))
    if prior.shape != (BINS,):
        raise ArtifactError(f"{path}: Expected a prior of {BINS} bins, got shape {tuple(prior.shape)}")
    return Artifact(spec, _with_weights(spec, tensors, path), prior, origin)


def _header(metadata: dict[str, str], path: str) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(metadata["streamer"])
        found, _ = header["format_version"], header["spec"]
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: Expected a header with format_version and spec, got: {error!r}") from error
    if found not in range(1, FORMAT_VERSION + 1):
        raise ArtifactError(f"{path}: Expected format_version 1 to {FORMAT_VERSION}, got {found!r}")
    return header


def _migrated(header: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What an older format held, as the newest has it. tests/golden has a file of each."""
    if header["format_version"] == 1:  # the decay over gaps was the forecaster's, and figures stood in the recipe
        renamed = {"weights.forgetting": "weights.cell.forgetting"}
        tensors = {renamed.get(key, key): tensor for key, tensor in tensors.items()}
        tensors |= {key: _from_monday(tensors[key]) for key in ("weights.cell.input.weight",) if key in tensors}
        recipe = dict(header.get("training", {}))
        header = header | {
            "metrics": {key: recipe.pop(key) for key in OLD_METRICS if key in recipe},
            "training": recipe,
        }
    if header["format_version"] < 3 and HEAD in tensors:
        joint = header["spec"].get("joint") or 0
        tensors = tensors | {HEAD: _blind(tensors[HEAD], tensors["weights.network.out.weight"].shape[1] - 3, joint)}
    return header, tensors


def _blind(weight: Tensor, experts: int, joint: int) -> Tensor:
    """Weights of a head that do not see what the panel says: zero, before the horizon's. (F, H) -> (F + E + 3, H)."""
    before, after = torch.split(weight, [len(weight) - 1 - joint, 1 + joint])
    return torch.cat((before, weight.new_zeros(experts + 3, weight.shape[1]), after))


def _from_monday(weight: Tensor) -> Tensor:
    """Input weights that see the same week in phases that are three days larger: a rotation. (F, H) -> (F, H)."""
    angle = 2 * math.pi * 3 / 7
    sine, cosine = (weight[row] for row in OLD_WEEK)
    turned = weight.clone()
    turned[OLD_WEEK[0]] = sine * math.cos(angle) + cosine * math.sin(angle)
    turned[OLD_WEEK[1]] = cosine * math.cos(angle) - sine * math.sin(angle)
    return turned


def _with_weights(spec: Spec, tensors: dict[str, Tensor], path: str) -> Forecaster:
    forecaster = build(spec)
    weights = {key.removeprefix("weights."): tensor for key, tensor in tensors.items()}
    try:
        forecaster.load_state_dict(weights)
    except RuntimeError as error:
        told = " ".join(str(error).split())
        raise ArtifactError(f"{path}: Expected the weights of {spec}, got: {told}") from error
    if wild := [name for name, weight in weights.items() if not weight.isfinite().all()]:
        raise ArtifactError(f"{path}: Expected finite weights, got others in {wild}")
    return forecaster.eval().requires_grad_(False)


def versions() -> dict[str, str]:
    """Of what trains here, for an origin."""
    packages = {name: version(name) for name in ("streamer", "numpy")}
    return {"python": python_version(), "torch": str(torch.__version__), **packages}


def shipped(cell: str, forecaster: str = Kind.COMBINER.value, tier: str = Tier.COMPACT.value) -> Path:
    """The artifact of these that comes with the package. A cell or tier that its kind does not have changes nothing."""
    kind = Kind(forecaster)
    words = {Kind.COMBINER: (cell, tier), Kind.RECURRENT: (cell, forecaster), Kind.EXPERTS: (forecaster, tier)}
    named = [word for word in words.get(kind, (forecaster,)) if word != Tier.COMPACT.value]
    return SHIPPED / f"{'-'.join(named)}.safetensors"


def _words(spec: Spec) -> list[str]:
    """Kind and tier of what has no cell."""
    return [spec.forecaster, spec.tier] if spec.kind.has_experts else [spec.forecaster]
