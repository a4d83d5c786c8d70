"""What `streamer train` does: gather, teach, and put the artifact in its place."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from msgspec.structs import replace
from rich.box import SIMPLE_HEAD
from rich.table import Table

from connectors.errors import ConfigError
from models.artifact import Artifact, save
from models.calibration.prior import BINS
from models.forecasters import Spec, build
from models.training.snapshot import SnapshotFile
from models.training.team import Team, assembled
from models.training.trainer import Observer
from streamer.artifacts import artifact_of
from streamer.config import Config, GroupOptions
from streamer.named_group import group_of
from streamer.training.options import ArtifactStart, TrainingOptions
from streamer.training.series import Gathered, gather
from streamer.training.sources import opened
from streamer.training.teach import Means, Taught, teach
from streamer.training.watch import watched
from streamer.wiring import device_of


def train(config: Config) -> Iterator[Table | str]:
    """Train as the table `training` says. Yields what people want to see of it, of one of all processes.

    Beside the artifact ``output`` lie ``output.csv``, a line an epoch, and as long as it goes on ``output.training``,
    from which the same command goes on if it was interrupted.

    Raises:
        ConfigError: something that is named does not exist, does not fit, or is too little.
        TransientError: the brokers are away.
        OffsetGoneError: records were deleted while they were read.
    """
    options = config.training
    if options is None:
        raise ConfigError("Expected a table `training`, got none")
    group = group_of(config, options.group, "training.group")
    start, output = _start(group, options), Path(options.output or "")
    if not output.name:
        raise ConfigError("training.output: Expected a path, got none")
    if not output.parent.is_dir():
        raise ConfigError(f"training.output: Expected a directory {output.parent}, got none")
    torch.set_num_threads(1)  # the same bits on every machine; more cores are more processes
    device = _device(config)
    with assembled(device) as team:
        with opened(config, group, options.data) as (source, decoder):
            found = gather(source, decoder, group.order)
        _same(found, team)
        if team.is_leader:
            yield _of_readings(found)
        with _watched(options, output, team) as observer:
            means = Means(device, team, SnapshotFile(_beside(output, "training")), observer)
            taught = _taught(start, group, options, found, means)
        if team.is_leader:
            save(taught.artifact, output)
            _beside(output, "training").unlink()
            yield _of_weights(taught, group)
            yield f"{taught.artifact.name} is in {output}"


def _same(found: Gathered, team: Team) -> None:
    """Processes that read what is still written to may see different ends of it."""
    ours = found.fingerprint.encode()
    if team.share(ours) != ours:
        raise ConfigError("training.data: Expected equal readings in every process, got others; say where they end")


def _watched(options: TrainingOptions, output: Path, team: Team) -> AbstractContextManager[Observer]:
    return watched(options.epochs, _beside(output, "csv")) if team.is_leader else nullcontext(Observer())


def _taught(start: Artifact, group: GroupOptions, options: TrainingOptions, found: Gathered, means: Means) -> Taught:
    """Teach, with a word on what an interrupted training has left where that may be in the way."""
    try:
        return teach(start, group, options, found, means)
    except ConfigError as error:
        left = _beside(Path(options.output or ""), "training")
        hint = f"; {left} is of a training that was interrupted: remove it to begin anew"
        raise ConfigError(f"{error}{hint if left.exists() else ''}") from error


def _beside(output: Path, suffix: str) -> Path:
    return output.with_name(f"{output.name}.{suffix}")


def _start(group: GroupOptions, options: TrainingOptions) -> Artifact:
    start = options.start
    if isinstance(start, ArtifactStart):
        return artifact_of(group if start.path is None else replace(group, artifact=start.path))
    joint = len(group.all_channels) if start.channels == "joint" else None
    try:
        spec = Spec(group.cell or "gru", start.hidden, group.forecaster or "combiner", group.tier or "compact", joint)
    except ValueError as error:
        raise ConfigError(f"training.start: {error}") from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        forecaster = build(spec)
    return Artifact(spec, forecaster.requires_grad_(False).eval(), torch.zeros(BINS, dtype=torch.int64))


def _device(config: Config) -> torch.device:
    """Of this process: under torchrun every process of a machine has a GPU of its own."""
    device = device_of(config)
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if device.type == "cuda" else device


def _of_readings(found: Gathered) -> str:
    refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(found.refused.items()) if count)
    return f"{found.readings:,} readings of {len(found.series):,} series; refused: {refused or 'none'}"


def _of_weights(taught: Taught, group: GroupOptions) -> Table:
    """The figures on what was held out, before and after."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("on readings held out")
    table.add_column("before", justify="right")
    table.add_column("trained", justify="right")
    before, after = taught.before.metrics, taught.after.metrics
    for label, name in (
        ("CRPS as a share of the last value's error", "crps_ratio"),
        (f"inside the band, of {group.band_coverage:g}", "band_coverage"),
        ("less likely than .01", "share_beyond_p_1e-2"),
        ("less likely than .0001", "share_beyond_p_1e-4"),
    ):
        table.add_row(label, f"{before[name]:.4f}", f"{after[name]:.4f}")
    table.add_row("judged", f"{before['judged']:,.0f}", f"{after['judged']:,.0f}")
    best = taught.position.best
    table.caption = f"epoch {best.epoch} of {taught.position.epoch} was the best" if best else None
    return table
