"""The watch on the shelves: what was promoted, and how the last retraining went, without the engine waiting for it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from connectors.errors import ConfigError, StoreError
from connectors.shelf import Shelf
from models.artifact import Artifact
from streamer.artifacts import artifact_of, shelf_of
from streamer.config import GroupOptions
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


class ShelfWatch:
    """Looks at the shelves of groups in a thread of its own, which may take its time: a share may be away."""

    def __init__(
        self,
        groups: Sequence[GroupOptions],
        metrics: Metrics,
        clock: Callable[[], float],
        looker: Executor | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._shelves = [(options, shelf) for options in groups if (shelf := shelf_of(options)) is not None]
        self._metrics = metrics
        self._clock = clock
        self._looker = looker or ThreadPoolExecutor(1, thread_name_prefix="shelves")
        self._look_seconds = look_seconds
        self._looked_at = float("-inf")
        self._looking: list[tuple[str, Future[_Sight]]] = []
        self._seen: dict[str, str | None] = {}  # the title in force, by group
        self._told: dict[str, str] = {}  # what is wrong with a shelf, by group

    def look_soon(self) -> None:
        """Look again at once."""
        self._looked_at = float("-inf")

    def news(self) -> list[News]:
        """What has been promoted since this was asked last, as far as it is known by now. Never waits."""
        found = list(self._settled())
        now = self._clock()
        if not self._looking and now - self._looked_at >= self._look_seconds:
            self._looked_at = now
            self._looking = [
                (options.name, self._looker.submit(_look, options, shelf, self._seen.get(options.name)))
                for options, shelf in self._shelves
            ]
        return found

    def close(self) -> None:
        """Let go."""
        if isinstance(self._looker, ThreadPoolExecutor):
            self._looker.shutdown(wait=False, cancel_futures=True)

    def _settled(self) -> Iterator[News]:
        for group, look in [(group, look) for group, look in self._looking if look.done()]:
            self._looking.remove((group, look))
            try:
                sight = look.result()
            except (ConfigError, StoreError) as error:
                self._tell(group, str(error))
                continue
            self._told.pop(group, None)
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
            log.error("%s; the group goes on with the artifact that it has", what)


def _look(options: GroupOptions, shelf: Shelf, seen: str | None) -> _Sight:
    title, note = shelf.current(), shelf.note(NOTE)
    try:
        report = None if note is None else msgspec.json.decode(note, type=Report)
    except msgspec.DecodeError as error:
        raise StoreError(f"{shelf.root / NOTE}: expected the report of a retraining, got: {error}") from error
    return _Sight(title, None if title == seen else artifact_of(options), report)
