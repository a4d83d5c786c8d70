"""The README, as a newcomer follows it: every command, example and path in it is tried here, or said to be untried."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest

from docs.readme_parts import PACKAGES, REST, occupancy, part, result, tree
from streamer import config as configuration
from tests.conftest import MakeTopic
from tests.end_to_end.process import DaemonProcess, adapted, until
from tests.prometheus.server import port_told

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
PROMETHEUS_PORT = "9099"
PATIENCE_SECONDS = 60.0

BLOCKS = {  # what begins like this, and what becomes of it here
    "make demo": "planned by make; test_demo.py runs the demo, and whoever reads this runs the tests",
    ".venv/bin/python tests/kafka/broker.py --port 9092": "the fixture `kafka` runs it on a free port",
    ".venv/bin/streamer publish": "run, to another topic",
    ".venv/bin/streamer run": "run, with other topics and a free port",
    "cat > /tmp/streamer-prometheus.yml": "run, with other ports and paths",
    "promtool query instant": "run, with another port",
    "import json": "run, with another topic",
    'echo "STREAMER_HTTP_TOKEN': "needs an engine: compared with docker-compose.yml, whose commands test_compose_* run",
    "kafka:": "loaded",
    "{": "held against its schema and made again",
    " " * 40: "the table: made again by test_demo.py",
    "streamer/": "made again",
}


class Block(NamedTuple):
    """What stands between two fences."""

    language: str
    text: str


def blocks() -> Iterator[Block]:
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        yield Block(language, text)


def block(beginning: str) -> str:
    """The one block that begins so."""
    (found,) = [found.text for found in blocks() if found.text.startswith(beginning)]
    return found


def test_every_block_is_tried_once_or_said_to_be_untried() -> None:
    beginnings = [[key for key in BLOCKS if found.text.startswith(key)] for found in blocks()]

    assert [keys for keys in beginnings if len(keys) != 1] == []
    assert sorted(key for (key,) in beginnings) == sorted(BLOCKS)


def test_the_two_commands_come_first() -> None:
    first = next(blocks())

    planned = [subprocess.run([*command.split(), "-n"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
               for command in first.text.splitlines()]  # fmt: skip
    assert first == Block("sh", "make demo\nmake test\n")
    assert ".venv/bin/streamer demo" in planned[0]
    assert ".venv/bin/python -m pytest" in planned[1]


def test_the_configuration_is_the_shipped_one(tmp_path: Path) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(block("kafka:"))

    assert configuration.load(shown, {}) == configuration.load(ROOT / "config/sensors.yaml", {})


def test_the_result_follows_its_schema() -> None:
    schema = json.loads((ROOT / "docs/records/result.schema.json").read_text())

    jsonschema.validate(json.loads(block("{")), schema, jsonschema.Draft202012Validator)


def test_the_result_is_the_first_anomaly_of_what_is_published() -> None:
    shown, now = json.loads(block("{")), json.loads(result())

    assert NUMBER.sub("#", json.dumps(shown)) == NUMBER.sub("#", json.dumps(now)), "run `make docs`"
    for member in ("offset", "timestamp", "artifact", "value"):
        assert shown[member] == now[member], "run `make docs`"
    for member in ("forecast", "lower", "upper", "shares", "anomaly_score"):
        assert shown[member] == pytest.approx(now[member], rel=1e-2, abs=1e-2), "run `make docs`"


def test_the_tree_is_complete() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {path.partition("/")[0] + "/" * ("/" in path) for path in tracked}

    assert part(README, "tree") == tree(), "run `make docs`"
    assert top - REST.keys() - {f"{package}/" for package in PACKAGES} == set()
    assert [path for path in REST if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    named = re.findall(r"`((?:streamer|models|connectors|config|tests|benchmarks|docs)/[\w./-]+)`", text)

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_docker_is_started_as_the_compose_file_says() -> None:
    header = (ROOT / "docker-compose.yml").read_text()

    assert [line for line in block('echo "STREAMER').splitlines() if f"#   {line}\n" not in header] == []


def shell(script: str, **variables: str) -> str:
    """The output of a script that must succeed."""
    done = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def here(script: str) -> str:
    """A block as it is run from this environment, wherever that is."""
    return script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")


@pytest.fixture
def daemon(kafka: str, make_topic: MakeTopic, tmp_path: Path) -> Iterator[tuple[DaemonProcess, str]]:
    """The daemon as the README starts it, over what the README publishes, and its alarms topic."""
    topic = make_topic()
    publish = here(block(".venv/bin/streamer publish")).replace("--topic sensors", f"--topic {topic}")
    said = shell(publish, KAFKA_BOOTSTRAP_SERVERS=kafka)
    assert said == f"{len(occupancy().read_text().splitlines()) - 1} records on {topic}\n"
    assert block(".venv/bin/streamer run") == ".venv/bin/streamer run config/sensors.yaml\n"
    outputs = {f"outputs.{name}.topic": f"{name}-{topic}" for name in ("results", "alarms", "dead_letters")}
    changes = {"kafka.group_id": topic, "groups.0.topics": [topic], "http.port": 0, **outputs}
    with DaemonProcess(adapted("sensors.yaml", tmp_path, changes), tmp_path, KAFKA_BOOTSTRAP_SERVERS=kafka) as process:
        yield process, outputs["outputs.alarms.topic"]


@pytest.fixture
def prometheus(daemon: tuple[DaemonProcess, str], require: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """Prometheus as the README starts it, but for the port, which it finds by itself; that port."""
    require("prometheus"), require("promtool")
    script = block("cat > /tmp/streamer-prometheus.yml").replace("/tmp/", f"{tmp_path}/").replace(PROMETHEUS_PORT, "0")
    script = script.replace("127.0.0.1:9464", daemon[0].address).replace("\nprometheus ", "\nexec prometheus ")
    said = tmp_path / "prometheus.log"
    with said.open("wb") as log:
        process = subprocess.Popen(["bash", "-euc", script], cwd=ROOT, stdout=log, stderr=log)
    try:
        yield str(until(lambda: port_told(said), "a port in the log of Prometheus"))
    finally:
        process.terminate()
        process.wait()


@pytest.mark.kafka
@pytest.mark.prometheus
@pytest.mark.slow
def test_a_newcomer_sees_scores_of_real_data_in_prometheus(
    daemon: tuple[DaemonProcess, str], prometheus: str, kafka: str
) -> None:
    daemon[0].wait_until_ready()

    answers = [until_answered(query.replace(PROMETHEUS_PORT, prometheus)) for query in queries()]

    assert "streamer_series_anomaly_score{" in answers[0]
    assert 'kind="spike"' in answers[1]
    assert {channel for channel in ("temperature", "humidity", "light", "co2") if f'"{channel}"' in answers[2]} == {
        "temperature",
        "humidity",
        "light",
        "co2",
    }
    daemon[0].until(lambda: " 509\n" in daemon[0].ask("/metrics")[1].replace(".0\n", "\n"), "all readings scored")
    script = block("import json").replace('"alarms"', f'"{daemon[1]}"').replace("localhost:9092", kafka)
    alarms = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    shown = json.loads(block("{"))
    assert f"opened room {shown['timestamp']} " in alarms
    assert daemon[0].leave() == 0


def queries() -> list[str]:
    return block("promtool query instant").splitlines()


def until_answered(query: str) -> str:
    """What the query prints as soon as it prints anything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        done = subprocess.run(["bash", "-c", query], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout
        assert time.monotonic() < deadline, f"{query}: {done.stdout}{done.stderr}"
        time.sleep(0.2)
