"""The daemon's life: start, turn the engine until told to stop, leave."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from connectors.ports import Delivery, Source
from streamer.engine import Engine
from streamer.http import HttpServer

log = logging.getLogger("streamer")

STUCK_SECONDS = 60.0  # a loop that has not come round for so long is not healthy


class Daemon:
    """The engine with the server that tells of it, and the order in which both end."""

    def __init__(self, engine: Engine, source: Source, delivery: Delivery, server: HttpServer) -> None:
        self._engine = engine
        self._source = source
        self._delivery = delivery
        self._server = server

    def run(self, stop: threading.Event, until_ended: bool = False) -> None:
        """Turn until ``stop`` is set, or, if asked for, until a finite source has ended.

        A turn always ends with a commit of what it read, so that leaving between turns loses nothing.
        """
        self._server.start()
        log.info("metrics on %s/metrics", self._server.url)
        try:
            while not stop.is_set() and not (until_ended and self._engine.has_ended):
                self._engine.turn()
            log.info("leaving: everything that was read is delivered and committed")
        finally:
            self._delivery.close()
            self._source.close()
            self._server.stop()


def is_healthy(engine: Engine, clock: Callable[[], float]) -> bool:
    """Whether the loop came round lately."""
    return clock() - engine.moved_at < STUCK_SECONDS


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second one of either ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        log.info("%s: leaving after this batch", signal.Signals(number).name)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
