"""docs/training.md, as somebody with a CSV follows it: every block of it is run or loaded here."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.artifact import load
from streamer import config as configuration
from streamer.training.options import DataFile, FilesData, KafkaData, TrainingOptions
from tests.conftest import MakeTopic
from tests.end_to_end.independent import reading
from tests.end_to_end.process import DaemonProcess

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PAGE = (ROOT / "docs/training.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
STEPS = 96  # of each of the eight pumps; the page has more
READINGS = 8 * STEPS
PORT = "http: {port: 0}\n"


def block(beginning: str) -> str:
    """The one block that begins so."""
    (found,) = [text for _, text in BLOCKS if text.startswith(beginning)]
    return found


TRIED = (
    "import csv",
    "groups:\n  - name: pumps",
    ".venv/bin/streamer train",
    "on readings held out",
    ".venv/bin/torchrun",
    ".venv/bin/streamer inspect",
    ".venv/bin/streamer run pumps.yaml",
    "import json",
    ".venv/bin/streamer backtest",
    "kafka:",
    ".venv/bin/streamer publish",
    "training:",
)


def test_every_block_is_tried_once() -> None:
    assert [[text.startswith(beginning) for _, text in BLOCKS].count(True) for beginning in TRIED] == [1] * len(TRIED)
    assert len(BLOCKS) == len(TRIED)


class Folder:
    """An empty directory in which the commands of the page are typed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def type(self, script: str, **variables: str) -> str:
        """What commands say that must succeed."""
        command = ["bash", "-euc", re.sub(r"(?<!\S)\.venv/bin/", f"{BIN}/", script)]
        environment = os.environ | {"COLUMNS": "200"} | variables
        done = subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def python(self, script: str) -> str:
        return self.type(f"{sys.executable} - <<'END'\n{script}END\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The folder after the second step; fewer readings and epochs than the page has, and a free port."""
    made = Folder(tmp_path_factory.mktemp("training"))
    made.python(block("import csv").replace("range(480)", f"range({STEPS})"))
    made.write("pumps.yaml", block("groups:\n  - name").replace("epochs: 20", "epochs: 1") + PORT)
    return made


@pytest.fixture(scope="module")
def said(folder: Folder) -> str:
    """What the training says in the third step."""
    return folder.type(block(".venv/bin/streamer train"))


def test_training_ends_with_the_table_of_the_page(folder: Folder, said: str) -> None:
    shown = [line.split("  ")[0] for line in block("on readings held out").splitlines()[2:-1]]

    assert said.startswith(f"{READINGS:,} readings of 8 series; refused: none")
    assert [line for line in shown if line not in said] == []
    assert f"{load(folder.path / 'pumps.safetensors').name} is in pumps.safetensors" in said


@pytest.mark.usefixtures("said")
def test_two_processes_train_it_too(folder: Folder) -> None:
    alone = load(folder.path / "pumps.safetensors")

    again = folder.type(block(".venv/bin/torchrun"))

    together = load(folder.path / "pumps.safetensors")
    assert again.count("readings of 8 series") == 1  # one of them speaks
    for name, weight in together.forecaster.state_dict().items():
        assert weight.numpy() == pytest.approx(alone.forecaster.state_dict()[name].numpy(), abs=1e-4)


@pytest.mark.usefixtures("said")
def test_the_past_is_scored_by_what_is_shipped_and_by_what_was_trained(folder: Folder) -> None:
    shown = folder.type(block(".venv/bin/streamer inspect"))
    folder.type(block(".venv/bin/streamer run pumps.yaml"))
    counted = folder.python(block("import json")).splitlines()
    found = folder.type(block(".venv/bin/streamer backtest"))

    name = load(folder.path / "pumps.safetensors").name
    assert name in shown
    assert [line.split()[0] for line in counted] == ["scored-before", "scored"]
    assert all(f" {READINGS} readings, " in line for line in counted)
    assert [name in line for line in counted] == [False, True]
    assert all(f"pump-{number}" in found for number in range(8))


@pytest.mark.kafka
@pytest.mark.usefixtures("said")
def test_the_daemon_scores_a_topic_with_what_was_trained(kafka: str, make_topic: MakeTopic, folder: Folder) -> None:
    topic = make_topic()
    outputs = {name: {"topic": f"{name}-{topic}"} for name in ("results", "alarms", "dead_letters")}
    live: dict[str, Any] = yaml.safe_load(block("kafka:"))
    live["kafka"]["group_id"] = topic
    live["groups"][0] |= {"topics": [topic], "artifact": str(folder.path / live["groups"][0]["artifact"])}
    live |= {"outputs": outputs, "checkpoints": {"directory": str(folder.path / "kept")}, "http": {"port": 0}}
    folder.write("live.yaml", yaml.safe_dump(live))
    publish, run = block(".venv/bin/streamer publish").splitlines()

    told = folder.type(publish.replace("--topic pumps", f"--topic {topic}"), KAFKA_BOOTSTRAP_SERVERS=kafka)

    assert told == f"{READINGS} records on {topic}\n"
    assert run == ".venv/bin/streamer run live.yaml"
    with DaemonProcess(folder.path / "live.yaml", folder.path, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        daemon.wait_until_ready()
        with reading(kafka, outputs["results"]["topic"]) as results:
            scored = results.wait_for(READINGS)
        assert daemon.leave() == 0
    assert {result["artifact"] for result in scored} == {load(folder.path / "pumps.safetensors").name}


def test_the_table_of_kafkas_history_fits_the_configuration_of_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "live.yaml").write_text(block("kafka:") + block("training:"))

    loaded = configuration.load(tmp_path / "live.yaml", {})

    assert loaded.training is not None
    assert loaded.training.data == KafkaData(start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z")


def test_every_setting_is_in_the_table_with_what_holds_unless_set() -> None:
    rows: list[tuple[str, str]] = re.findall(r"^\| (`[^|]*) \| *([^|]*?) *\|", PAGE, re.MULTILINE)
    options = TrainingOptions(data=FilesData(files=[DataFile(path="pumps.csv")]), output="pumps.safetensors")

    told = {name: numbers for names, numbers in rows for name in re.findall(r"`(\w+)`", names)}

    assert set(told) == set(TrainingOptions.__struct_fields__)
    for names, numbers in rows:
        if numbers[:1].isdecimal():
            values = [getattr(options, name) for name in re.findall(r"`(\w+)`", names)]
            assert values == [float(number) for number in numbers.split(", ")], names
