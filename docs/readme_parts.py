"""Writes the parts of README.md that are made from the code: the demo's table, a result, the file tree."""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import yaml

from streamer.config import parse
from streamer.wiring import build

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SENSORS = ROOT / "config" / "sensors.yaml"
TABLE_CHARACTERS = 80
PACKAGES = ("streamer", "models", "connectors")
DATA = {
    "streamer/demo/demo.yaml": "The configuration of the demo: nothing is set in it for one series.",
    "streamer/page/": "The live page: HTML, CSS and JavaScript, all of it served by the daemon.",
    "models/artifacts/": "The shipped weights: both cells in both tiers, the cells alone, experts without any.",
}
REST = {
    "config/": "Ready to run: `sensors.yaml`, `market.yaml`, `weather.yaml`, and what is beside the daemon.",
    "config/alertmanager/": "Where alerts go.",
    "config/grafana/": "The dashboard, the code that builds it, and its provisioning.",
    "config/prometheus/": "What is scraped, the rules, and the tests of the rules.",
    "tests/": "A mirror of the packages, and suites of their own:",
    "tests/contracts/": "One suite a port, run on memory, files and Kafka alike.",
    "tests/end_to_end/": "The daemon as a process on a real Kafka, scraped by a real Prometheus; crashes; bad input.",
    "tests/kafka/": "A real broker for tests and for trying things: `broker.py`.",
    "benchmarks/": "One file a question, such as `bench_throughput.py`.",
    "docs/": "How it works and how it is run: architecture, glossary, runbook, metrics, this file's parts.",
    "docs/decisions/": "Why something is as it is, where there was a choice.",
    "docs/records/": "The contract on the wire: schemas, samples and words.",
    "docker-compose.yml": "Kafka, the daemon, Prometheus, Alertmanager and Grafana on one machine.",
    "Dockerfile": "The daemon as an image.",
    "Makefile": "Every job; `make` lists them.",
    "pyproject.toml": "Dependencies with their reasons, the rules of style, types and imports.",
    "constraints.txt": "Every version, once.",
    "RESULTS.md": "What this project measured of itself, with the command that did.",
    "CHANGELOG.md": "What changes for those who run it.",
    "CONTRIBUTING.md": "How to change it.",
    "README.md": "This page.",
    "LICENSE": "Apache-2.0.",
    ".ci/": "What CI runs, and the system's packages that jobs need.",
    ".dockerignore": "What an image may be made of.",
    ".gitignore": "What is built or fetched.",
}
BRANCHES = {
    "streamer/": "The daemon and the command line: wires the two below.",
    "models/": "The mathematics: tensors in, tensors out. No broker, no clock, no thread.",
    "connectors/": "Input and output: Kafka, files, memory. Columns of numpy; no torch.",
}


def tree() -> str:
    """The file tree: every module by the sentence it opens with, the rest by a line of its own."""
    entries = {**BRANCHES, **dict(_modules()), **DATA}
    ordered = [path for package in PACKAGES for path in sorted(entries, key=_place) if path.startswith(package)]
    lines = [_line(path, entries[path]) for path in ordered]
    return "\n".join([*lines, *(_line(path, text) for path, text in REST.items())])


def table() -> str:
    """What `streamer demo --once` prints."""
    command = [str(Path(sys.executable).parent / "streamer"), "demo", "--once", "--port", "0"]
    variables = os.environ | {"COLUMNS": str(TABLE_CHARACTERS), "NO_COLOR": "1"}
    printed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    return printed.rstrip()


def result() -> str:
    """The first result with an open alarm of what the README publishes, a member a line."""
    groups = yaml.safe_load(SENSORS.read_text())["groups"]
    readings = {"path": str(occupancy()), "topic": "sensors", "key": "room"}
    with tempfile.TemporaryDirectory(prefix="streamer-readme-") as folder:
        sink = {"type": "files", "directory": folder}
        source = {"type": "replay", "files": [readings]}
        config = parse({"groups": groups, "source": source, "sink": sink, "http": {"port": 0}}, "README.md")
        with build(config) as daemon:
            daemon.turn_until(lambda: daemon.has_ended)
        results = map(json.loads, (Path(folder) / "results.jsonl").read_text().splitlines())
        members = next(members for members in results if members["is_anomalous"])
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in members.items()) + "\n}"


def occupancy() -> Path:
    """The readings of a room that ship with river."""
    river = find_spec("river")
    if river is None or river.submodule_search_locations is None:
        raise FileNotFoundError("river: expected the package, got none")
    return Path(river.submodule_search_locations[0]) / "drift" / "datasets" / "occupancy.csv"


def part(readme: str, name: str) -> str:
    """What stands between the marks of this name, without its fence.

    Raises:
        ValueError: there are no such marks.
    """
    found = re.search(_marks(name), readme, re.DOTALL)
    if found is None:
        raise ValueError(f"README.md: expected a part between the marks of {name!r}, got none")
    return found[2].rstrip("\n")


def with_part(readme: str, name: str, text: str) -> str:
    """The readme with this text between the marks of this name."""
    part(readme, name)
    return re.sub(_marks(name), lambda found: f"{found[1]}{text}\n{found[3]}", readme, flags=re.DOTALL)


def _marks(name: str) -> str:
    return rf"(<!-- {name}: begin -->\n```\w+\n)(.*?)(```\n<!-- {name}: end -->)"


def _modules() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            path = str(file.relative_to(ROOT))
            sentence = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
            if path.endswith("/__init__.py") and path.count("/") > 1:
                yield path.removesuffix("__init__.py"), sentence
            elif not path.endswith("/__init__.py"):
                yield path, sentence


def _place(path: str) -> list[tuple[bool, str]]:
    """Files of a folder before its folders, each by name."""
    *folders, last = path.removesuffix("/").split("/")
    return [(True, folder) for folder in folders] + [(path.endswith("/"), last)]


def _line(path: str, text: str) -> str:
    depth = path.removesuffix("/").count("/")
    name = "  " * depth + path.removesuffix("/").rpartition("/")[2] + ("/" if path.endswith("/") else "")
    return f"{name:<26}{text}"


if __name__ == "__main__":
    parts = {"tree": tree(), "demo": table(), "result": result()}
    text = README.read_text()
    for name, made in parts.items():
        text = with_part(text, name, made)
    README.write_text(text)
    print(f"written: {README}")
