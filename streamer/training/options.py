"""The table `training` of the configuration: from what, from where on and how weights are trained."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]
Ratio = Annotated[float, Meta(ge=0, le=1)]


class DataFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CSV with a header, JSON lines (either also as .gz) or Parquet. Its rows are what records are elsewhere."""

    path: str
    key: str | None = None  # the series of every row
    key_field: str | None = None  # or the field that names it; neither: format.series_field


class FilesData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="files"):
    """Train on files."""

    files: Annotated[list[DataFile], Meta(min_length=1)]


class KafkaData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """Train on what the group's topics hold: from ``from`` to before ``to``, as `streamer replay` has them."""

    start: str = msgspec.field(default="earliest", name="from")
    end: str = msgspec.field(default="latest", name="to")


class ArtifactStart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="artifact"):
    """Go on from trained weights: those of the group, or of a file."""

    path: str | None = None


class RandomStart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="random"):
    """Begin with weights drawn at random, of the group's forecaster, tier and cell."""

    hidden: Count = 32
    channels: Literal["each", "joint"] = "each"  # joint: one hidden state for the vector of them


class TrainingOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the weights of one group are trained."""

    data: FilesData | KafkaData
    output: str | None = None  # of `train`: the artifact; beside it the log, and the snapshot while it goes on
    group: str | None = None  # None: the only one
    start: ArtifactStart | RandomStart = ArtifactStart()
    seed: Annotated[int, Meta(ge=0)] = 7
    epochs: Count = 30
    patience: Count | None = 5  # epochs without a better held-out loss, and training ends
    held_out_ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.2  # of the series; of one series, its last part
    rows: Count = 256  # stretches side by side in an epoch, at most
    length: Annotated[int, Meta(ge=2)] = 1024  # readings of a stretch, at most
    window: Annotated[int, Meta(ge=2)] = 64  # readings that gradients go back through; what is remembered goes on
    learning_rate: Annotated[float, Meta(gt=0)] = 1e-3
    weight_decay: Annotated[float, Meta(ge=0)] = 1e-4
    clip_norm: Annotated[float, Meta(gt=0)] = 1.0
    accumulated_windows: Count = 1  # for one step of the optimiser
    mixed_precision: bool = False  # bfloat16 for what bears it, on a GPU
    reset_ratio: Ratio = 0.1  # of the rows, at every window: they are series that nobody has seen
    masked_readings: Annotated[int, Meta(ge=0)] = 0  # of those, the first: they count for nothing
