"""The daemon's life: start, turn the engine until told to stop, leave."""

import gc
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from connectors.ports import Delivery, Source
from streamer.config import Config
from streamer.engine import Engine
from streamer.http_server import HttpServer
from streamer.reload import Reload

log = logging.getLogger("streamer")

STUCK_SECONDS = 60.0  # a loop that has not come round for so long is not healthy


class OutsideInput(Protocol):
    """Something that people change while the daemon runs, and that partitions take up at their barriers."""

    def tick(self) -> None:
        """Between two turns: a bounded piece of work."""
        ...

    def look_soon(self) -> None:
        """Look for changes at once."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Daemon:
    """The engine with the server that tells of it, and the order in which both end."""

    def __init__(
        self,
        engine: Engine,
        inputs: Sequence[OutsideInput],
        source: Source,
        delivery: Delivery,
        server: HttpServer,
        reload: Reload,
    ) -> None:
        self._reload = reload
        self._inputs = inputs
        self._has_left = False
        self._engine = engine
        self._source = source
        self._delivery = delivery
        self._server = server

    def __enter__(self) -> Self:
        """Serve the metrics.

        Raises:
            ConfigError: the address is taken.
        """
        self._server.start()
        _collect_rarely()
        log.info("metrics on %s/metrics", self._server.url)
        return self

    def turn_until(self, is_over: Callable[[], bool]) -> None:
        """Turn the engine until ``is_over``.

        A turn always ends with a commit of what it read, so that leaving between turns loses nothing.
        """
        while not is_over():
            self._engine.turn()
            for one in self._inputs:
                one.tick()

    def reload(self, read: Callable[[], Config]) -> None:
        """Read the configuration again, between two turns, and look at what else there is outside."""
        self._reload(read)
        for one in self._inputs:
            one.look_soon()

    @property
    def has_ended(self) -> bool:
        """Whether a finite source has delivered everything."""
        return self._engine.has_ended

    def leave(self) -> None:
        """Save, commit and leave the group, within ``leave_seconds`` and what the brokers take. Once is enough."""
        if self._has_left:
            return
        self._has_left = True
        for one in self._inputs:
            one.close()
        self._engine.leave()
        self._delivery.close()
        self._source.close()
        log.info("left: everything that was read is delivered and committed")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave in good order, or, after an error, not at all: only what is ours alone is let go.

        Whatever was under way then is the successor's to end. To tidy up at the broker would be to act on a doubt.
        """
        if error is None:
            self.leave()
        self._server.stop()


def _collect_rarely() -> None:
    """Keep the cycle collector from walking the futures of a batch over and over: a message costs a fifth less so.

    What is alive now stays for good, and a batch makes tens of thousands of objects that die by their counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def is_healthy(engine: Engine, clock: Callable[[], float]) -> bool:
    """Whether the loop came round lately."""
    return clock() - engine.moved_at < STUCK_SECONDS
