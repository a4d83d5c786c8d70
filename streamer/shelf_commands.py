"""What `streamer promote` and `streamer rollback` do: put another artifact of a group's shelf in force."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from connectors.errors import ConfigError
from connectors.shelf import Shelf
from models.artifact import Artifact, ArtifactError, load, read
from streamer.artifacts import artifact_of, fitting, shelf_of
from streamer.config import GroupOptions


class Turned(NamedTuple):
    """What is in force on a shelf now, and what was before."""

    title: str
    before: str | None


def shelved(group: GroupOptions) -> Shelf:
    """The shelf of a group.

    Raises:
        ConfigError: its artifact is a file, or the one of the package.
    """
    shelf = shelf_of(group)
    if shelf is None:
        raise ConfigError(f"artifact of group {group.name!r}: Expected a shelf, a directory, got {group.artifact}")
    return shelf


def put_in_force(group: GroupOptions, artifact: Artifact, kept: int) -> Turned:
    """Put an artifact on the shelf and in force, and the shipped one before it on a shelf that is empty.

    Raises:
        ConfigError: there is no shelf.
        StoreError: it cannot be written.
    """
    shelf = shelved(group)
    before = shelf.current()
    if before is None:  # so that one can go back
        champion = artifact_of(group)
        before = shelf.promote(champion.name, champion.content, kept)
    return Turned(shelf.promote(artifact.name, artifact.content, kept), before)


def promote(group: GroupOptions, path: Path, kept: int) -> Turned:
    """Put the artifact in a file in force.

    Raises:
        ConfigError: it cannot be used, is not what the group asks for, or there is no shelf.
        StoreError: the shelf cannot be written.
    """
    with _told():
        artifact = load(path)
    return put_in_force(group, fitting(artifact, group, path), kept)


def rollback(group: GroupOptions, title: str | None) -> Turned:
    """Put in force what stands on the shelf under this title; without one, what was in force before what is.

    Raises:
        ConfigError: there is no such artifact, or it cannot be used.
        StoreError: the shelf cannot be read or written.
    """
    shelf = shelved(group)
    titles, before = shelf.titles(), shelf.current()
    wanted = title or next(iter(shelf.former()), None)
    if wanted not in titles:
        raise ConfigError(
            f"{shelf.root}: Expected one of {', '.join(titles) or 'no artifacts'}, got {wanted or 'none'}"
        )
    path = shelf.path(wanted)
    with _told():
        artifact = read(shelf.load(wanted), str(path))
    fitting(artifact, group, path)
    shelf.point(wanted)
    return Turned(wanted, before)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ArtifactError as error:
        raise ConfigError(str(error)) from error
