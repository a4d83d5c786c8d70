"""The shelf: a directory with the artifacts that were promoted, a pointer to the one in force, and notes on them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from connectors.disk import Disk, put_in_place, told
from connectors.errors import StoreError

SUFFIX = ".safetensors"
POINTER = "current"
_TITLE = re.compile(rf"((\d{{6,}})-(.+)){re.escape(SUFFIX)}")


class Shelf:
    """Keeps ``<root>/<number>-<artifact>.safetensors``, numbered as they were promoted, and ``<root>/current``.

    The pointer has a line for the artifact in force, its title, which is its file's name without the suffix, and below
    it one for each that was in force before and can be gone back to, the newest first. Every file is written beside its
    place and renamed, so a reader in another process finds the one before or the one after, and whole.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self._disk = disk or Disk()

    def current(self) -> str | None:
        """The title in force, None on a shelf where nothing was promoted yet.

        Raises:
            StoreError: the pointer cannot be read, or what it says is no title.
        """
        return next(iter(self._pointed()), None)

    def former(self) -> list[str]:
        """The titles to go back to, as they were in force before what is, the newest first.

        Raises:
            StoreError: see `current`.
        """
        return self._there(self._pointed()[1:])

    def titles(self) -> list[str]:
        """The titles that are there, in the order of their promotion.

        Raises:
            StoreError: the shelf cannot be read.
        """
        with told(self.root, "list artifacts"):
            try:
                names = [path.name for path in self.root.iterdir()]
            except FileNotFoundError:
                return []
        found = [match for match in map(_TITLE.fullmatch, names) if match]
        return [match[1] for match in sorted(found, key=lambda match: (int(match[2]), match[3]))]

    def load(self, title: str) -> bytes:
        """The content of an artifact.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        path = self.path(title)
        with told(path, "read an artifact"):
            return path.read_bytes()

    def path(self, title: str) -> Path:
        """Where an artifact lies."""
        return self.root / f"{title}{SUFFIX}"

    def promote(self, artifact: str, content: bytes, kept: int) -> str:
        """Put an artifact of this name on the shelf and in force, and keep ``kept`` of them in all.

        Of the others those that were in force last stay, then the newest. The order is the guarantee: the artifact is
        durable before the pointer names it, and nothing goes before that, so a crash between any two lines leaves a
        pointer to a whole artifact. One that is there is only pointed at.

        Raises:
            StoreError: it could not be kept; what was in force still is.
        """
        titles = self.titles()
        title = next((title for title in titles if title.partition("-")[2] == artifact), None)
        if title is None:
            number = max((int(title.partition("-")[0]) for title in titles), default=0) + 1
            title = f"{number:06d}-{artifact}"
            self._put(self.path(title), content)
        former = self._there(other for other in self._pointed() if other != title)
        self._point([title, *former])
        others = [other for other in reversed(titles) if other not in {title, *former}]
        for old in [*former, *others][kept - 1 :]:
            with told(self.path(old), "remove an artifact"):
                self._disk.unlink(self.path(old))
        return title

    def point(self, title: str) -> None:
        """Put an artifact in force that is on the shelf: go back to it if it was in force before.

        Raises:
            StoreError: it is not there, or the pointer could not be written.
        """
        if title not in (titles := self.titles()):
            raise StoreError(f"{self.root}: expected one of {', '.join(titles) or 'no artifacts'}, got {title!r}")
        before = self._there(self._pointed())
        self._point(before[before.index(title) :] if title in before else [title, *before])

    def note(self, name: str) -> bytes | None:
        """What stands in a note, None where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        with told(self.root / name, "read a note"):
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def put_note(self, name: str, content: bytes) -> None:
        """Write a note in place of the one before, at once.

        Raises:
            StoreError: it could not be written; the one before stands.
        """
        self._put(self.root / name, content)

    def _there(self, titles: Iterable[str]) -> list[str]:
        there = set(self.titles())
        return [title for title in titles if title in there]

    def _point(self, titles: Sequence[str]) -> None:
        self.put_note(POINTER, "".join(f"{title}\n" for title in titles).encode())

    def _pointed(self) -> list[str]:
        content = self.note(POINTER)
        titles = [] if content is None else content.decode(errors="replace").split()
        if wrong := [title for title in titles if not _TITLE.fullmatch(title + SUFFIX)]:
            raise StoreError(f"{self.root / POINTER}: expected the title of an artifact, got {wrong[0][:80]!r}")
        return titles

    def _put(self, path: Path, content: bytes) -> None:
        with told(path, "keep a file"):
            self._disk.make_directory(path.parent)
            put_in_place(self._disk, path, [content])
