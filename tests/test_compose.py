"""What docker-compose.yml promises, proven without an engine: its form, mounts, ports, users and versions."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from streamer import __version__

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
LOADER = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
ENDING = {"topics", "publisher"}  # services that do one thing and are done


@pytest.fixture(scope="session")
def load(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The Compose specification's own loader: the text of a file in, its complaint out, empty where it has none."""
    go, programs = require("go"), ROOT / ".cache" / "compose"
    loader = programs / LOADER.rpartition("@")[2] / "cmd"
    if not loader.exists():
        subprocess.run([go, "install", LOADER], env=os.environ | {"GOBIN": str(loader.parent)}, check=True)

    def complaint(text: str) -> str:
        file = tmp_path_factory.mktemp("compose") / "docker-compose.yml"
        file.write_text(re.sub(r"\$\{\w+:\?[^}]*\}", "given", text))  # this program demands, and is given, no variables
        return subprocess.run([loader, file], capture_output=True, text=True, check=False).stderr

    return complaint


def test_the_loader_of_the_specification_accepts_it(load: Callable[[str], str]) -> None:
    assert load(TEXT) == ""


@pytest.mark.parametrize("wrong", ["portz: []", "ports: 9464", "healthcheck: {tests: []}"])
def test_the_loader_of_the_specification_refuses_what_is_wrong(load: Callable[[str], str], wrong: str) -> None:
    text = f"services:\n  streamer:\n    image: streamer:0.1.0\n    {wrong}\n"

    assert "streamer" in load(text)


def complaints(project: dict[str, Any]) -> list[str]:
    """What the specification's JSON Schema has against a project."""
    schema = json.loads((files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text())
    return [error.message for error in Draft202012Validator(schema).iter_errors(project)]


def test_the_schema_of_the_specification_accepts_it() -> None:
    assert complaints(PROJECT) == []


def test_the_schema_of_the_specification_refuses_a_wrong_key() -> None:
    wrong = {"services": SERVICES | {"streamer": SERVICES["streamer"] | {"portz": []}}}

    assert complaints(wrong) == ["Unevaluated properties are not allowed ('portz' was unexpected)"]


def mounts() -> Iterator[tuple[str, str, str]]:
    """Every mount: service, source, target with its mode."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, _, target = volume.partition(":")
            yield name, source, target


def test_every_mounted_file_exists_and_is_mounted_to_be_read_only() -> None:
    bound = [(source, target) for _, source, target in mounts() if source.startswith(".")]

    assert [source for source, _ in bound if not (ROOT / source).exists()] == []
    assert [source for source, target in bound if not target.endswith(":ro")] == []


def test_every_named_volume_is_declared_and_used() -> None:
    assert {source for _, source, _ in mounts() if not source.startswith(".")} == PROJECT["volumes"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_the_image_of_the_daemon_bears_its_version() -> None:
    assert SERVICES["streamer"]["image"] == SERVICES["publisher"]["image"] == f"streamer:{__version__}"


def test_kafka_is_the_one_that_the_tests_talk_to() -> None:
    pom = (ROOT / "tests/kafka/pom.xml").read_text()
    version = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>(.+)</version>", pom)

    assert version is not None
    assert SERVICES["kafka"]["image"] == SERVICES["topics"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_as_an_ordinary_user_without_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["user"] not in {"root", "0", ""}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"kafka"}))
def test_a_service_cannot_write_to_its_image(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_reachable_from_this_machine_alone(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ENDING))
def test_a_service_that_stays_says_how_it_is_and_comes_back(name: str) -> None:
    from_image = "HEALTHCHECK" in (ROOT / "Dockerfile").read_text() and "build" in SERVICES[name]

    assert from_image or SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_it_needs_to_be_ready(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        ready = "service_completed_successfully" if needed in ENDING else "service_healthy"

        assert needed in SERVICES
        assert how == {"condition": ready}


def test_the_token_is_demanded_and_nowhere_written_down() -> None:
    assert SERVICES["streamer"]["environment"]["STREAMER_HTTP_TOKEN"].startswith("${STREAMER_HTTP_TOKEN:?")
    assert PROJECT["secrets"] == {"streamer_token": {"environment": "STREAMER_HTTP_TOKEN"}}
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def config(path: str) -> Any:
    """A configuration file of a service."""
    return yaml.safe_load((ROOT / "config" / path).read_text())


def test_prometheus_knows_the_daemon_its_token_and_the_alertmanager() -> None:
    prometheus = config("prometheus/prometheus.yml")
    scrapes = {scrape["job_name"]: scrape for scrape in prometheus["scrape_configs"]}
    secrets = {f"/run/secrets/{name}" for name in SERVICES["prometheus"]["secrets"]}

    assert scrapes["streamer"]["static_configs"] == [{"targets": ["streamer:9464"]}]
    assert scrapes["streamer"]["authorization"]["credentials_file"] in secrets
    assert "alertmanager:9093" in str(prometheus["alerting"])
    assert [path for path in prometheus["rule_files"] if not list((ROOT / "config/prometheus").glob(path))] == []


def test_grafana_finds_prometheus_and_its_dashboards() -> None:
    sources = [yaml.safe_load(file.read_text()) for file in (ROOT / "config/grafana/provisioning").glob("*/*.yml")]
    targets = {target.removesuffix(":ro") for name, _, target in mounts() if name == "grafana"}

    assert [item["url"] for file in sources for item in file.get("datasources", [])] == ["http://prometheus:9090"]
    assert {item["options"]["path"] for file in sources for item in file.get("providers", [])} <= targets
    assert (ROOT / "config/grafana/dashboards/streamer.json").exists()
