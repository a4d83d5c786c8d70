"""What the process does when it is sent a signal."""

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

log = logging.getLogger("streamer")


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second one of either ends the process at once, as a kill would."""
    stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            log.warning("%s again: ending at once; the next start steps again what was not saved", _name(number))
            logging.shutdown()
            os._exit(128 + number)
        stop.set()
        log.info("%s: leaving after this batch", _name(number))

    with _answered((signal.SIGTERM, signal.SIGINT), ask):
        yield stop


@contextmanager
def reload_asked_by_signal() -> Iterator[threading.Event]:
    """An event that SIGHUP sets; whoever takes the request up clears it."""
    asked = threading.Event()
    with _answered((signal.SIGHUP,), lambda _number, _frame: asked.set()):
        yield asked


@contextmanager
def stacks_told_on_signal() -> Iterator[None]:
    """On SIGUSR1 the stacks of all threads go to standard error, whatever the threads are doing."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    try:
        yield
    finally:
        faulthandler.unregister(signal.SIGUSR1)


@contextmanager
def _answered(numbers: tuple[signal.Signals, ...], answer: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, answer) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _name(number: int) -> str:
    return signal.Signals(number).name
