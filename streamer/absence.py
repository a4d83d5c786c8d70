"""How long something outside may stay away before it is given up."""

import logging
from collections.abc import Callable

from connectors.errors import TransientError

AWAY_SECONDS = 60.0  # until then series keep their state, and the process its place in the group

log = logging.getLogger("streamer")


class Absence:
    """The patience with brokers that do not answer: a minute, each time anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def bear(self, error: TransientError) -> None:
        """Take note of a failed try.

        Raises:
            TransientError: this one, where it has lasted too long.
        """
        now = self._clock()
        if self._since is None:
            self._since = now
            log.warning("%s; trying for %g s", error, AWAY_SECONDS)
        if now - self._since >= AWAY_SECONDS:
            raise error

    def end(self) -> None:
        """Take note that it answers again."""
        if self._since is not None:
            log.info("back after %.0f s", self._clock() - self._since)
            self._since = None
