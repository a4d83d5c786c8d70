"""The runbook: it has every alert and every exit code, and what it tells people to run works."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from streamer.cli import BUG_EXIT, EXITS
from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, write

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
SAMPLES = ROOT / "docs/records/samples/dead-letter.jsonl"


def test_every_alert_has_a_section() -> None:
    rules = yaml.safe_load((ROOT / "config/prometheus/rules/streamer.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]

    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == alerts


def test_every_exit_code_is_explained() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", RUNBOOK, re.MULTILINE)]

    assert codes == [0, BUG_EXIT, *sorted(set(EXITS.values()))]


def test_every_metric_it_names_exists() -> None:
    listed = set(re.findall(r"^\| `(streamer_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bstreamer_[a-z_]+\b", RUNBOOK))

    assert {name.removesuffix("_sum") for name in named} - listed - {"streamer_"} == set()


@pytest.mark.kafka
def test_dead_letters_are_read_as_it_says(kafka: str, make_topic: MakeTopic) -> None:
    found = re.search(r"^```python\n(.*?)^```$", RUNBOOK, re.DOTALL | re.MULTILINE)
    assert found is not None
    letters = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    topic = make_topic()
    write(kafka, topic, [Row(None, json.dumps(letter).encode()) for letter in letters])
    script = found[1].replace('"dead-letters"', f'"{topic}"').replace("localhost:9092", kafka)

    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert [line.partition(" ")[0] for line in printed.splitlines() if not line.startswith(" ")] == [
        f"{letter['topic']}-{letter['partition']}@{letter['offset']}" for letter in letters
    ]
    for rejected in (rejected for letter in letters for rejected in letter["rejected"]):
        assert f"{rejected['reason']} {rejected['detail']}" in printed
