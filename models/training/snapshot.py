"""Where a training stands: a value that is kept in one safetensors file, from which it goes on to the same result."""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from typing_extensions import override

from models.artifact import write_atomically

FORMAT_VERSION = 1
PARTS = ("model", "optimiser", "carried", "best")

Tensors = dict[str, Tensor]


class SnapshotError(Exception):
    """A snapshot that this training cannot go on from: says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A loss, and the weight of what it is summed over."""

    total: float = 0.0
    weight: float = 0.0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.total + other.total, self.weight + other.weight)

    @property
    def mean(self) -> float:
        """NaN where nothing counts."""
        return self.total / self.weight if self.weight else float("nan")


@dataclass(frozen=True, slots=True)
class Best:
    """The smallest held-out loss, and after how many epochs it was reached."""

    epoch: int
    loss: float


@dataclass(frozen=True, slots=True)
class Position:
    """Before which window a training stands, and what it has come to until there."""

    epoch: int = 0
    window: int = 0  # of the epoch
    steps: int = 0  # of the optimiser
    tally: Tally = Tally()  # of the epoch so far
    best: Best | None = None  # where there are held-out walks


@dataclass(frozen=True)
class Snapshot:
    """All that decides how a training goes on, beside what it was started with."""

    position: Position
    model: Tensors
    optimiser: Tensors  # parameter.moment
    carried: Tensors = field(default_factory=dict)  # of all rows, of all processes; nothing before a first window
    best: Tensors = field(default_factory=dict)  # the weights that are best so far, where there are any

    def content(self, identity: dict[str, Any]) -> bytes:
        """The file that it is kept in. ``identity`` says of which training it is."""
        tensors = {
            f"{part}.{name}": tensor.detach().cpu().contiguous().clone()
            for part in PARTS
            for name, tensor in getattr(self, part).items()
        }
        header = {"format_version": FORMAT_VERSION, "identity": identity, "position": asdict(self.position)}
        content: bytes = save_tensors(tensors, metadata={"training": json.dumps(header, sort_keys=True)})
        return content


def read(content: bytes, identity: dict[str, Any]) -> Snapshot:
    """Read a snapshot of the training with this identity.

    Raises:
        SnapshotError: it is damaged, of another format version, or of another training.
    """
    try:
        tensors = load_tensors(content)
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        header = json.loads(metadata["training"])
        version, own, position = header["format_version"], header["identity"], header["position"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"Expected the snapshot of a training, got: {error!r}") from error
    if version != FORMAT_VERSION:
        raise SnapshotError(f"Expected format_version {FORMAT_VERSION}, got {version!r}")
    expected = json.loads(json.dumps(identity))  # as JSON has it: a list for a tuple
    differing = {key for key in own.keys() | expected.keys() if own.get(key) != expected.get(key)}
    if differing:
        wanted, came = ({key: some.get(key) for key in sorted(differing)} for some in (expected, own))
        raise SnapshotError(f"Expected the snapshot of a training with {wanted}, got one with {came}")
    parts: dict[str, Tensors] = {part: {} for part in PARTS}
    for key, tensor in tensors.items():
        part, _, name = key.partition(".")
        parts[part][name] = tensor
    tally, best = position.pop("tally"), position.pop("best")
    return Snapshot(Position(**position, tally=Tally(**tally), best=best and Best(**best)), **parts)


class Keeper(ABC):
    """Keeps the newest snapshot. What it has kept survives the end of the process at any instant."""

    @abstractmethod
    def load(self) -> bytes | None:
        """The snapshot that was kept last, if any."""

    @abstractmethod
    def save(self, content: bytes) -> None:
        """Keep this one in its place: afterwards the one or the other is there, and whole."""


class Forgetful(Keeper):
    """Keeps nothing: a training that is interrupted starts all over."""

    @override
    def load(self) -> bytes | None:
        return None

    @override
    def save(self, content: bytes) -> None:
        pass


class SnapshotFile(Keeper):
    """Keeps it in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def load(self) -> bytes | None:
        return self._path.read_bytes() if self._path.exists() else None

    @override
    def save(self, content: bytes) -> None:
        write_atomically(self._path, content)
