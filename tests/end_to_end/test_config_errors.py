"""What is wrong with a configuration is told in one message, with file, path, expected and got; the exit code is 2."""

import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.artifact import shipped
from streamer.cli import main
from tests.conftest import MakeTopic
from tests.end_to_end.independent import topics
from tests.end_to_end.process import CONFIG, DaemonProcess, adapted, run

Told = Callable[..., tuple[int, str]]
REPLAY = {
    "source": {"type": "replay", "files": [{"path": "unread.csv", "topic": "sensors", "key": "room"}]},
    "sink": {"type": "discard"},
}


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """``told("check", path)``: exit code and standard error of the command line, run in this process to be quick."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(os, "_exit", sys.exit)

    def tell(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["streamer", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, capfd.readouterr().err

    yield tell
    root.handlers[:] = handlers
    root.setLevel(level)


def is_one_message(text: str, *parts: str) -> bool:
    """Whether this is one line that begins with our name and holds these parts in this order."""
    return bool(re.fullmatch("streamer: [^\n]*" + "[^\n]*".join(map(re.escape, parts)) + "[^\n]*\n", text))


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"groups.0.chanels": ["a"]}, ["Object contains unknown field `chanels`", "$.groups[0]"]),
        ({"kafka.start_at": "latest"}, ["Object contains unknown field `start_at`", "$.kafka"]),
        ({"http.port": "many"}, ["Expected `int`, got `str`", "$.http.port"]),
        ({"http.port": 70_000}, ["Expected `int` <= 65535", "$.http.port"]),
        ({"groups.0.alarm.readings_per_alarm": 0}, ["Expected `float` >= 1.0", "$.groups[0].alarm.readings_per_alarm"]),
        ({"groups.0.cell": "transformer"}, ["Invalid enum value 'transformer'", "$.groups[0].cell"]),
        ({"groups.0.format": {"type": "xml"}}, ["Invalid value 'xml'", "$.groups[0].format.type"]),
        ({"groups.0.topics": []}, ["Expected topics or topic_patterns in group 'machines', got neither", "$.groups"]),
        ({"groups.0.topic_patterns": ["a("]}, ["Expected a regular expression in topic_patterns, got 'a('"]),
        ({"groups.0.topic_patterns": ["(?i)a"]}, ["Expected a regular expression in topic_patterns, got '(?i)a'"]),
        ({"groups.0.channels": ["a", "a"]}, ["Expected different names in channels, got ['a', 'a']", "$.groups"]),
        ({"groups.0.order": {"max_future_seconds": -1}}, ["max_future_seconds >= 0, got -1.0", "$.groups[0].order"]),
        ({"groups.0.topics": ["sensors", "results"]}, ["Expected no output among the topics", "['results']"]),
        ({"groups.0.topic_patterns": ["dead-.*"]}, ["Expected no output among the topics", "['dead-letters']"]),
        ({"outputs.alarms.topic": "results"}, ["expected three different topics", "$.outputs"]),
        ({"kafka.start": "yesterday"}, ["expected `earliest`, `latest` or an ISO-8601", "got 'yesterday'", "$.kafka"]),
        ({"http.host": "0.0.0.0"}, ["Expected a token", "got none with host '0.0.0.0'", "$.http"]),
        ({"kafka": None}, ["Expected a table `kafka`, since source or sink is kafka, got none"]),
        ({"groups": []}, ["Expected `array` of length >= 1", "$.groups"]),
        (REPLAY | {"source": {"type": "replay", "files": [{"path": "a.csv", "topic": "b"}]}}, ["none for ['b']"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_value_that_does_not_fit_is_named_by_its_path(
    told: Told, tmp_path: Path, command: str, changes: dict[str, Any], parts: list[str]
) -> None:
    config = adapted("sensors.yaml", tmp_path, changes)

    code, message = told(command, config)

    assert code == 2
    assert is_one_message(message, f"{config}: ", *parts), message


def test_a_topic_in_two_groups_is_refused(told: Told, tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {})
    raw = yaml.safe_load(config.read_text())
    raw["groups"].append({"name": "others", "topic_patterns": ["sens.*"], "format": {"type": "json"}})
    config.write_text(yaml.safe_dump(raw))

    code, message = told("check", config)

    assert code == 2
    assert is_one_message(message, f"{config}: ", "Expected every topic in one group, got more for ['sensors']")


def test_an_alias_that_holds_itself_is_refused(told: Told, tmp_path: Path) -> None:
    config = tmp_path / "endless.yaml"
    config.write_text("groups: &groups [*groups]\n")

    code, message = told("check", config)

    assert (code, message) == (2, f"streamer: {config}: Expected YAML, got an alias that holds itself\n")


def test_a_variable_that_is_not_set_is_named(told: Told, tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {"kafka.group_id": "${E2E_NOBODY_SETS_THIS}"})

    code, message = told("check", config)

    assert code == 2
    assert is_one_message(message, f"{config}: Expected the environment variable E2E_NOBODY_SETS_THIS, got none")


def test_an_absent_file_is_named(told: Told, tmp_path: Path) -> None:
    code, message = told("run", tmp_path / "absent.yaml")

    assert code == 2
    assert is_one_message(message, f"{tmp_path / 'absent.yaml'}: Expected a configuration file, got: ", "No such file")


@pytest.mark.parametrize("text", ["groups: [", "groups:\n\t- name: a", "{"])
def test_text_that_is_no_yaml_is_shown_with_its_line(told: Told, tmp_path: Path, text: str) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text(text)

    code, message = told("run", config)

    assert code == 2
    assert message.startswith(f"streamer: {config}: Expected YAML, got: ")
    assert "line" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("artifact", "parts"),
    [
        ("absent.safetensors", ["artifact of group 'machines'", "absent.safetensors"]),
        (str(CONFIG / "sensors.yaml"), ["artifact of group 'machines'", "sensors.yaml"]),
        (str(shipped("lstm")), ["artifact of group 'machines'", f"{shipped('lstm')}: Expected cell 'gru', got 'lstm'"]),
    ],
    ids=["absent", "no artifact", "of the other cell"],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_artifact_is_refused(told: Told, tmp_path: Path, command: str, artifact: str, parts: list[str]) -> None:
    config = adapted("sensors.yaml", tmp_path, {"groups.0.artifact": artifact})

    code, message = told(command, config)

    assert code == 2
    assert is_one_message(message, f"{config}: ", *parts), message


def test_a_device_that_is_not_there_is_refused(told: Told, tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {"device": "cuda:99"})

    code, message = told("check", config)

    assert code == 2
    assert is_one_message(message, f"{config}: device: Expected one of ", " CUDA devices, got 'cuda:99'"), message


def test_a_port_that_is_taken_is_named(told: Told, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        data = tmp_path / "unread.csv"
        data.write_text("time,V1\n")
        changes = REPLAY | {"http.port": port, "source.files.0.path": str(data)}
        config = adapted("sensors.yaml", tmp_path, changes)

        code, message = told("run", config)

    assert code == 2
    assert is_one_message(message, f"{config}: ", f"got `127.0.0.1:{port}`: Address already in use"), message


def test_a_process_exits_with_2_and_one_line(tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {"groups.0.chanels": ["a"]})

    ended = run("run", config)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert is_one_message(ended.stderr, f"{config}: ", "unknown field `chanels`", "$.groups[0]")


@pytest.mark.kafka
def test_a_topic_that_does_not_exist_is_told_and_nothing_is_made(
    kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    there = make_topic(prefix="sensors-of-this-test")
    changes = fresh_names() | {"groups.0.topics": [f"{there}x"]}
    config = adapted("sensors.yaml", tmp_path, changes)

    ended = run("run", config, KAFKA_BOOTSTRAP_SERVERS=kafka)

    assert ended.returncode == 2
    last = ended.stderr.splitlines(keepends=True)[-1]
    assert is_one_message(last, f"{config}: ", f"source topic '{there}x' does not exist; nearest", there), ended.stderr
    assert "Traceback" not in ended.stderr
    assert topics(kafka).isdisjoint(value for name, value in changes.items() if name.startswith("outputs."))


def test_without_kafka_it_tries_again_says_so_and_gives_up(tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {"kafka.start_timeout_seconds": 1.2})
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"

    ended = run("run", config, KAFKA_BOOTSTRAP_SERVERS=address)

    assert ended.returncode == 4
    assert re.search(r"no broker of \[\S+\] answers \(try 1\): .*; next try in 0.5 s", ended.stderr)
    last = ended.stderr.splitlines()[-1]
    assert f"kafka: no broker of [{address}] answered within 1.2 s (tried " in last
    assert "Connection refused" in last
    assert "Traceback" not in ended.stderr


def test_sigterm_ends_it_while_it_waits_for_kafka(tmp_path: Path) -> None:
    config = adapted("sensors.yaml", tmp_path, {"kafka.start_timeout_seconds": 60})
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"

    with DaemonProcess(config, tmp_path, KAFKA_BOOTSTRAP_SERVERS=address) as daemon:
        daemon.until(lambda: "next try in" in daemon.log, "a failed try")
        daemon.leave()

    assert "Traceback" not in daemon.log
