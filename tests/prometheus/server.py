"""Runs a real Prometheus on a free port, and asks it."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0
PAUSE_SECONDS = 0.05

SHIPPED_CONFIG = Path(__file__).parents[2] / "config" / "prometheus" / "prometheus.yml"

Sample = dict[str, Any]
T = TypeVar("T")


def port_told(log: Path) -> int | None:
    """The port that a server which was to find one by itself has found, as soon as its log tells it."""
    for line in log.read_text().splitlines():
        if "Listening on" in line and "address=" in line:
            return int(line.rpartition("address=")[2].split()[0].rpartition(":")[2])
    return None


def shipped_config(target: str, interval: str = "1s") -> str:
    """The configuration that is shipped, pointed at a daemon here (``127.0.0.1:9464``) that asks no token."""
    config = yaml.safe_load(SHIPPED_CONFIG.read_text())
    config["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
    config["rule_files"] = [str(SHIPPED_CONFIG.parent / pattern) for pattern in config["rule_files"]]
    del config["alerting"]
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "streamer")
    del job["authorization"]
    job["static_configs"] = [{"targets": [target]}]
    config["scrape_configs"] = [job]
    return str(yaml.safe_dump(config))


class Prometheus:
    """A server of its own in a folder of its own: ``with Prometheus(program, folder, config) as prometheus``.

    Its port is found by Prometheus itself, which writes it to its log: no other process can take it in between.
    """

    def __init__(self, program: str, folder: Path, config: str) -> None:
        """Take the path of the program, an empty folder, and the text of a configuration."""
        self._folder = folder
        self._log = folder / "log"
        (folder / "prometheus.yml").write_text(config)
        self._command = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder)
        self.url = f"http://127.0.0.1:{self._until(lambda: port_told(self._log))}"
        self._until(self._is_ready)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def query(self, promql: str) -> list[Sample]:
        """What an instant query returns now: samples with ``metric`` and ``value``.

        Raises:
            ValueError: Prometheus does not take the query, or has a warning about it.
        """
        answer = self._ask("query", query=promql)
        if answer["status"] != "success" or answer.get("warnings"):
            raise ValueError(f"{promql}: expected success, got {answer}")
        result: list[Sample] = answer["data"]["result"]
        return result

    def wait_for(self, promql: str, timeout_seconds: float = 30.0) -> list[Sample]:
        """What the query returns as soon as it returns anything."""
        return self._until(lambda: self.query(promql), timeout_seconds)

    def rules(self) -> list[Sample]:
        """The rules of all files, with the health and the last error of each."""
        return [rule for group in self._ask("rules")["data"]["groups"] for rule in group["rules"]]

    def targets(self) -> list[Sample]:
        """What is scraped, with the health and the last error of each."""
        found: list[Sample] = self._ask("targets")["data"]["activeTargets"]
        return found

    def _ask(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                body = response.read()
        except urllib.error.HTTPError as refused:
            with refused:
                body = refused.read()
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=10) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError as refused:
            refused.close()
            return False

    def _until(self, question: Callable[[], T | None], timeout_seconds: float = START_TIMEOUT_SECONDS) -> T:
        """Ask again until there is an answer."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_seconds
        while not (answer := question()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"Prometheus: no answer in {timeout_seconds} s; its log:\n{self._log.read_text()}")
            time.sleep(PAUSE_SECONDS)
        return answer
