"""Daemons that begin with everything imported: forked off a process that has it, they are killed like any other.

Those of tests/end_to_end are started as users start them. Here they begin a hundred times, and imports would take more
of the machine than their work does.
"""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from tests.end_to_end.process import DaemonProcess, Running

PAUSE_SECONDS = 0.02
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["streamer.cli", "streamer.wiring"])


class Forked:
    """``streamer`` with these arguments and this environment alone, as a `Running`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._process = CONTEXT.Process(target=become, args=(arguments, dict(environment), log))
        self._lock = threading.Lock()  # what is told of its end is told to one who asks
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it, as soon as it has ended."""
        with self._lock:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        began = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() > began + timeout:
                raise subprocess.TimeoutExpired("streamer", timeout)
            time.sleep(PAUSE_SECONDS)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        with self._lock:
            self._process.kill()


def become(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """In the process that was forked: what the command is to a shell."""
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(output, standard)
    sys.argv = ["streamer", *arguments]
    from streamer.cli import main  # noqa: PLC0415  # the process that only asks for it does without

    main()


class ForkedDaemon(DaemonProcess):
    """A `DaemonProcess` that begins a few seconds sooner."""

    @override
    def _begun(self) -> Running:
        self._log.touch()
        return Forked(self._command[1:], self._environment, self._log)
