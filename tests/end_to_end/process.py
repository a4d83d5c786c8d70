"""The daemon as its users start it: a process with a configuration file, a log, an address and an exit code."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import yaml

STREAMER = Path(sys.executable).parent / "streamer"
CONFIG = Path(__file__).parents[2] / "config"
PATIENCE_SECONDS = 60.0
GRACE_SECONDS = 20.0  # compose grants 30
RUN_SECONDS = 300.0  # the demo takes a minute where nothing else runs
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5


def adapted(shipped: str, folder: Path, changes: Mapping[str, Any]) -> Path:
    """A copy of a configuration that is shipped, with what must differ here.

    ``changes`` has paths such as ``groups.0.cell``; all but the last step of a path exist already.
    """
    config = yaml.safe_load((CONFIG / shipped).read_text())
    if "groups.0.channels" in changes:
        config["groups"][0].pop("rules", None)  # they name channels
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        node = config
        for step in steps:
            node = node[step]
        node[last] = value
    copy = folder / shipped
    copy.write_text(yaml.safe_dump(config, sort_keys=False))
    return copy


def until(
    question: Callable[[], Any],
    what: str,
    timeout_seconds: float = PATIENCE_SECONDS,
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
) -> Any:
    """Ask again until the answer is true, and return it.

    The pause is three times what the answer took: whoever asks brokers leaves most of the machine to those at work.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        asked = time.monotonic()
        if answer := question():
            return answer
        answered = time.monotonic()
        assert answered < deadline, f"not within {timeout_seconds:g} s: {what}"
        time.sleep(min(max(PAUSE_SECONDS, 3 * (answered - asked)), longest_pause_seconds))


def run(*arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run ``streamer`` with these arguments to its end, with these environment variables beside ours."""
    command = [STREAMER, *arguments]
    environment = os.environ | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)


class Running(Protocol):
    """What a `subprocess.Popen` is to its owner."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


class DaemonProcess:
    """``with DaemonProcess(config, folder, NAME="value") as daemon``: runs until the block ends or it is told to."""

    def __init__(self, config: Path, folder: Path, **variables: str) -> None:
        self._log = folder / f"{config.stem}.{len(list(folder.glob('*.log')))}.log"
        self._command = [str(STREAMER), "run", str(config)]
        self._environment = os.environ | variables
        self._process: Running | None = None

    def __enter__(self) -> Self:
        self._process = self._begun()
        return self

    def _begun(self) -> Running:
        with self._log.open("wb") as log:
            return subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def process(self) -> Running:
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text()

    @property
    def url(self) -> str:
        """Where it serves, as its log says."""
        line = self.until(lambda: re.search(r"metrics on (http://\S+)/metrics", self.log), "an address in the log")
        return str(line[1])

    @property
    def address(self) -> str:
        """Host and port, as a configuration of Prometheus has them."""
        return self.url.removeprefix("http://")

    def ask(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def wait_until_ready(self) -> None:
        """Return when it has partitions to read."""
        self.until(lambda: self.ask("/-/ready")[0] == 200, "ready")

    def until(self, question: Callable[[], Any], what: str) -> Any:
        """Ask again until the answer is true; the end of the process is the end of the test."""

        def ask() -> Any:
            answer = question()
            assert answer or self.process.poll() is None, f"the daemon ended ({what}); its log:\n{self.log}"
            return answer

        return until(ask, f"{what}; the log of the daemon:\n{self._log}")

    def leave(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GRACE_SECONDS)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()
