"""Every command in docker-compose.yml and the Dockerfile, run here without an engine by the programs it names."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka import KafkaAdminClient

ROOT = Path(__file__).parent.parent
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STREAMER = Path(sys.executable).parent / "streamer"
TOKEN = "a-token-that-is-long-enough-to-be-one"


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with these environment variables beside ours."""
    environment = os.environ | variables
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def here(argument: str) -> str:
    """A path in a container as the path of the same file here."""
    river = find_spec("river")
    assert river is not None
    assert river.submodule_search_locations is not None
    inside = {"/etc/streamer/": f"{ROOT}/config/", "/opt/streamer/river/": f"{river.submodule_search_locations[0]}/"}
    for container, ours in inside.items():
        argument = argument.replace(container, ours)
    return argument


@pytest.mark.parametrize("name", ["streamer", "publisher"])
def test_a_command_of_the_daemon_exists_with_its_options_and_files(name: str) -> None:
    subcommand, *arguments = map(here, SERVICES[name]["command"])

    shown = run(STREAMER, subcommand, "--help", COLUMNS="200", NO_COLOR="1")

    assert shown.returncode == 0, shown.stderr
    assert [option for option in arguments if option.startswith("--") and option not in shown.stdout] == []
    assert [path for path in arguments if path.startswith("/") and not Path(path).is_file()] == []


def test_the_daemon_accepts_its_configuration_with_the_variables_it_is_given() -> None:
    service = SERVICES["streamer"]
    variables = service["environment"] | {"STREAMER_HTTP_TOKEN": TOKEN}

    checked = run(STREAMER, "check", here(service["command"][1]), **variables)

    assert checked.returncode == 0, checked.stderr
    assert TOKEN not in checked.stdout + checked.stderr
    assert "0.0.0.0" in checked.stdout


def test_retraining_runs_on_schedule_and_goes_on_when_the_champion_stays(tmp_path: Path) -> None:
    """Its own script, in a shell: `sleep` ends the third time, and `streamer` says that the champion stays."""
    service = SERVICES["retrain"]
    (script,) = service["command"]
    for name, body in (
        ("sleep", 'echo "sleep $1" >> said; [ "$(grep -c sleep said)" -lt 3 ]'),
        ("streamer", 'echo "streamer $*" >> said; exit 3'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RETRAIN_SECONDS": "7"}

    done = subprocess.run(
        [*service["entrypoint"], script.replace("$$", "$")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    said = (tmp_path / "said").read_text().splitlines()
    assert said == ["sleep 7", *["streamer retrain /etc/streamer/sensors.yaml", "sleep 7"] * 2]
    assert done.stdout == "exit 3\n" * 2


def test_retraining_and_the_daemon_share_a_configuration_and_a_shelf() -> None:
    ours, daemon = SERVICES["retrain"], SERVICES["streamer"]
    [shelf] = re.findall(r"^ENV .*STREAMER_SHELF=(\S+)", DOCKERFILE, re.MULTILINE)

    assert set(ours["volumes"]) == set(daemon["volumes"])
    assert [volume for volume in ours["volumes"] if shelf.startswith(volume.partition(":")[2])] != []
    assert ours["environment"]["KAFKA_BOOTSTRAP_SERVERS"] == daemon["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
    assert ours["profiles"] == ["retrain"]


def test_the_configuration_of_the_container_says_how_to_retrain() -> None:
    checked = run(STREAMER, "check", here("/etc/streamer/sensors.yaml"), STREAMER_SHELF="/var/lib/streamer/artifacts")

    assert checked.returncode == 0, checked.stderr
    assert "artifact: /var/lib/streamer/artifacts" in checked.stdout
    assert "window_seconds: 604800.0" in checked.stdout


@pytest.fixture(scope="module")
def kafka_classes(kafka: str, require: Callable[[str], str]) -> list[str]:
    """The command that runs a main class of Kafka: the broker's jars, fetched with it, and its command line tools."""
    java, jars, tools = require("java"), ROOT / ".cache/kafka/jars", ROOT / ".cache/kafka-tools"
    assert kafka
    version = SERVICES["kafka"]["image"].partition(":")[2]
    if not (tools / f"kafka-tools-{version}.jar").exists():
        artifact = f"-Dartifact=org.apache.kafka:kafka-tools:{version}"
        fetch = [require("mvn"), "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={tools}"]
        subprocess.run(fetch, cwd=ROOT, check=True, timeout=600)
    return [java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{tools}/*"]


@pytest.mark.kafka
def test_the_broker_accepts_its_settings(kafka_classes: list[str], tmp_path: Path) -> None:
    given = {name: value for name, value in SERVICES["kafka"]["environment"].items() if name != "KAFKA_HEAP_OPTS"}
    settings = {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in given.items()}
    properties = tmp_path / "server.properties"
    settings["log.dirs"] = str(tmp_path / "data")
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    formatted = run(*kafka_classes, "kafka.tools.StorageTool", "format", "-t", "c3RyZWFtZXItdGVzdHMtMQ",
                    "-c", properties)  # fmt: skip

    assert formatted.returncode == 0, formatted.stderr
    assert set(settings) <= known_settings(kafka_classes)


def known_settings(kafka_classes: list[str]) -> set[str]:
    """Every name that a broker's configuration knows, as Kafka's own documentation lists them."""
    printed = run(*kafka_classes, "kafka.server.KafkaConfig").stdout
    return set(re.findall(r'<a id="brokerconfigs_([\w.]+)"', printed))


def kafka_topics(kafka: str, kafka_classes: list[str], words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run what a container runs with kafka-topics.sh: the same program, at the broker of the tests."""
    script, *arguments = words
    assert script == "/opt/kafka/bin/kafka-topics.sh"
    at_ours = [argument.replace("kafka:19092", kafka) for argument in arguments]
    return run(*kafka_classes, "org.apache.kafka.tools.TopicCommand", *at_ours)


@pytest.mark.kafka
def test_the_topic_is_made_and_making_it_again_changes_nothing(
    kafka: str, kafka_admin: KafkaAdminClient, kafka_classes: list[str]
) -> None:
    words = SERVICES["topics"]["entrypoint"] + SERVICES["topics"]["command"]
    before = set(kafka_admin.list_topics())

    try:
        first, second = (kafka_topics(kafka, kafka_classes, words) for _ in range(2))
        made = set(kafka_admin.list_topics()) - before
    finally:
        kafka_admin.delete_topics(sorted(set(kafka_admin.list_topics()) - before))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert made == {"sensors"} - before


@pytest.mark.kafka
def test_the_broker_is_healthy_when_it_answers(kafka: str, kafka_classes: list[str]) -> None:
    kind, *words = SERVICES["kafka"]["healthcheck"]["test"]

    assert kind == "CMD"
    assert kafka_topics(kafka, kafka_classes, words).returncode == 0


def test_what_is_published_is_what_the_daemon_reads() -> None:
    config = yaml.safe_load(Path(here(SERVICES["streamer"]["command"][1])).read_text())
    topics = [topic for group in config["groups"] for topic in group["topics"]]
    words = {name: SERVICES[name]["command"] for name in ("publisher", "topics")}

    assert {name: command[command.index("--topic") + 1] for name, command in words.items()} == {
        "publisher": topics[0],
        "topics": topics[0],
    }


class Health(BaseHTTPRequestHandler):
    """Answers the health route with the status that its server has been told."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/-/healthy" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def daemon() -> Iterator[HTTPServer]:
    """A server on a free port whose ``status`` is what its health route answers."""
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_the_image_is_healthy_as_long_as_the_daemon_says_so(daemon: HTTPServer, status: int, is_healthy: bool) -> None:
    match = re.search(r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert match is not None
    _, *arguments = json.loads(match[1].replace(":9464", f":{daemon.server_port}"))
    daemon.status = status  # type: ignore[attr-defined]

    checked = run(sys.executable, *arguments)

    assert (checked.returncode == 0) is is_healthy


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("name", "program"), [("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")]
)
def test_a_server_knows_its_flags(require: Callable[[str], str], name: str, program: str) -> None:
    shown = run(require(program), "--help")
    known = shown.stdout + shown.stderr

    assert [flag for flag in SERVICES[name]["command"] if f"{flag.partition('=')[0]}=" not in known] == []


def test_the_image_takes_only_what_exists_and_is_sent_to_the_builder() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = [source for line in lines for source in line.split()]
    sent = {line.removeprefix("!").rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert set(copied) <= sent


def test_the_image_stands_on_a_full_version_and_runs_as_a_number_that_is_nobody() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    users = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)

    assert [base for base in bases if not re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)] == []
    assert users == [SERVICES["streamer"]["user"]]


def test_the_image_installs_nothing_but_the_pins() -> None:
    installs = re.findall(r"^RUN (pip install .+)$", DOCKERFILE, re.MULTILINE)

    assert len(installs) == 2
    assert [command for command in installs if "-c constraints.txt" not in command] == []
