"""Which artifact a group is to have: that of a file, the one in force on a shelf, or the one in the package."""

from pathlib import Path

from connectors.errors import ConfigError, StoreError
from connectors.shelf import SUFFIX, Shelf
from models.artifact import Artifact, ArtifactError, read, shipped
from models.artifact import load as load_artifact
from streamer.config import GroupOptions


def shelf_of(options: GroupOptions) -> Shelf | None:
    """The shelf that a group's ``artifact`` names: any path but that of a file, or of one to be."""
    if options.artifact is None or options.artifact.endswith(SUFFIX) or Path(options.artifact).is_file():
        return None
    return Shelf(Path(options.artifact))


def artifact_of(options: GroupOptions) -> Artifact:
    """The artifact that a group names, or the shipped one that it describes, also for a shelf with nothing in force.

    Raises:
        ConfigError: it is not there, cannot be read, or is not what the group asks for.
    """
    path, artifact = _found(options)
    return fitting(artifact, options, path)


def fitting(artifact: Artifact, options: GroupOptions, path: Path) -> Artifact:
    """The artifact, which lies at ``path``, if it is what the group asks for.

    Raises:
        ConfigError: it is not.
    """
    try:
        artifact.forecaster.at(tuple(options.horizons))
    except ValueError as error:
        raise ConfigError(f"artifact of group {options.name!r}: {path}: {error}") from error
    for key in ("forecaster", "tier", "cell"):
        asked, has = getattr(options, key), getattr(artifact.spec, key)
        if asked not in (None, has):
            raise ConfigError(f"artifact of group {options.name!r}: {path}: Expected {key} {asked!r}, got {has!r}")
    channels = len(options.all_channels)
    if artifact.spec.joint not in (None, channels):
        raise ConfigError(
            f"artifact of group {options.name!r}: {path}: Expected one of {channels} channels, "
            f"got one of the joint state of {artifact.spec.joint}"
        )
    return artifact


def _found(options: GroupOptions) -> tuple[Path, Artifact]:
    of_package = shipped(options.cell or "gru", options.forecaster or "combiner", options.tier or "compact")
    shelf = shelf_of(options)
    try:
        title = shelf.current() if shelf else None
        if shelf and title:
            path = shelf.path(title)
            return path, read(shelf.load(title), str(path))
        path = of_package if shelf or options.artifact is None else Path(options.artifact)
        return path, load_artifact(path)
    except (ArtifactError, StoreError) as error:
        raise ConfigError(f"artifact of group {options.name!r}: {error}") from error
