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
    """The artifact that a group is to have now. On a shelf where nothing was promoted yet it is the shipped one.

    Raises:
        ConfigError: it cannot be used, or is of another cell.
    """
    try:
        artifact = _found(options)
    except (ArtifactError, StoreError) as error:
        raise ConfigError(f"artifact of group {options.name!r}: {error}") from error
    if artifact.spec.cell != options.cell:
        raise ConfigError(
            f"artifact of group {options.name!r}: {options.artifact}: Expected cell {options.cell!r}, "
            f"got {artifact.spec.cell!r}"
        )
    return artifact


def _found(options: GroupOptions) -> Artifact:
    shelf = shelf_of(options)
    if shelf is None:
        return load_artifact(options.artifact or shipped(options.cell))
    title = shelf.current()
    if title is None:
        return load_artifact(shipped(options.cell))
    return read(shelf.load(title), str(shelf.path(title)))
