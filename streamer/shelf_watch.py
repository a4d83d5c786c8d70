"""The watch on the shelves: what was promoted, and how the last retraining went, without the engine waiting for it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

import msgspec

from connectors.errors import ConfigError, StoreError
from connectors.shelf import Shelf
from models.artifact import Artifact
from streamer.artifacts import artifact_of, shelf_of
from streamer.config import GroupOptions
from streamer.lookout import Lookout
from streamer.metrics import Metrics
from streamer.retraining.report import NOTE, Report

LOOK_SECONDS = 5.0

log = logging.getLogger("streamer")


class News(NamedTuple):
    """A group is to have another artifact from now on."""

    group: str
    artifact: Artifact


class _Sight(NamedTuple):
    """What was seen on the shelf of one group."""

    title: str | None
    artifact: Artifact | None  # None: the title is that of before
    report: Report | None  # of the last retraining, None where there was none
    trouble: str | None  # why the report cannot be read: an artifact comes all the same


class ShelfWatch:
    """Hears of what is put on the shelves of groups."""

    def __init__(
        self,
        groups: Sequence[GroupOptions],
        metrics: Metrics,
        clock: Callable[[], float],
        looker: Executor | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        shelves = [(options, shelf) for options in groups if (shelf := shelf_of(options)) is not None]
        looks = {options.name: partial(self._look, options, shelf) for options, shelf in shelves}
        self._lookout = Lookout(looks, clock, look_seconds, looker)
        self._metrics = metrics
        self._seen: dict[str, str | None] = {}  # the title in force, by group
        self._told: dict[str, str] = {}  # what is wrong with a shelf, by group

    def look_soon(self) -> None:
        """Look again at once."""
        self._lookout.look_soon()

    def news(self) -> list[News]:
        """What has been promoted since this was asked last, as far as it is known by now. Never waits."""
        return list(self._settled())

    def close(self) -> None:
        """Let go."""
        self._lookout.close()

    def _settled(self) -> Iterator[News]:
        for group, look in self._lookout.seen():
            try:
                sight = look.result()
            except (ConfigError, StoreError) as error:
                self._tell(group, f"{error}; the group goes on with the artifact that it has")
                continue
            if sight.trouble is None:
                self._told.pop(group, None)
            else:
                self._tell(group, sight.trouble)
            self._seen[group] = sight.title
            if sight.report is not None and sight.report.group == group:
                self._metrics.retraining.retrained(sight.report)
            if sight.artifact is not None:
                yield News(group, sight.artifact)

    def _tell(self, group: str, what: str) -> None:
        """Say what is wrong once, as long as it is the same."""
        if self._told.get(group) != what:
            self._told[group] = what
            self._metrics.shadow.failed(group)
            log.error("%s", what)

    def _look(self, options: GroupOptions, shelf: Shelf) -> _Sight:
        """In the lookout's thread, while nothing that was seen of this shelf before is still to be taken."""
        title, note = shelf.current(), shelf.note(NOTE)
        report, trouble = None, None
        try:
            report = None if note is None else msgspec.json.decode(note, type=Report)
        except msgspec.DecodeError as error:
            trouble = f"{shelf.root / NOTE}: expected the report of a retraining, got: {error}"
        artifact = None if title == self._seen.get(options.name) else artifact_of(options)
        return _Sight(title, artifact, report, trouble)
