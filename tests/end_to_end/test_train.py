"""`streamer train` on what a real Kafka holds, and the daemon that scores with what came of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.artifact import load
from models.forecasters import Spec
from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import DaemonProcess, adapted, run
from tests.streamer.training.waves import FIRST_SECOND, STEP_SECONDS, rows, wave

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SERIES, READINGS, UNTIL = 4, 80, 64
END = datetime.fromtimestamp(FIRST_SECOND + STEP_SECONDS * UNTIL, UTC).isoformat()


@pytest.fixture
def topic(kafka: str, make_topic: MakeTopic) -> str:
    """Waves of some series, in two partitions, with the times of their records."""
    name = make_topic(partitions=2, prefix="pumps")
    series = [rows(wave(f"pump-{number}", READINGS)) for number in range(SERIES)]
    write(kafka, name, [
        Row(row["pump"].encode(), json.dumps(row).encode(), number % 2, row["time"] * 1000)
        for step in zip(*series, strict=True) for number, row in enumerate(step)
    ])  # fmt: skip
    return name


def test_weights_are_trained_on_a_span_of_history_and_score_what_comes_after(
    kafka: str, topic: str, fresh_names: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    artifact, names = tmp_path / "pumps.safetensors", fresh_names()
    changes = names | {
        "groups.0.topics": [topic],
        "groups.0.format.timestamp_unit": "seconds",
        "groups.0.channels": ["pressure"],
        "groups.0.cell": "lstm",
        "training": {
            "data": {"type": "kafka", "from": "earliest", "to": END},
            "start": {"type": "random", "hidden": 4},
            "output": str(artifact),
            "epochs": 2, "rows": 32, "length": 32, "window": 16,
        },
    }  # fmt: skip
    config = adapted("sensors.yaml", tmp_path, changes)

    trained = run("train", config, KAFKA_BOOTSTRAP_SERVERS=kafka)

    assert trained.returncode == 0, trained.stderr
    assert f"{SERIES * UNTIL} readings of {SERIES} series; refused: none" in trained.stdout
    assert load(artifact).spec == Spec("lstm", 4, "combiner", "compact")
    name = load(artifact).name
    assert f"{name} is in {artifact}" in trained.stdout
    used = yaml.safe_load(config.read_text())
    used["groups"][0]["artifact"] = str(artifact)
    config.write_text(yaml.safe_dump(used))
    with DaemonProcess(config, tmp_path, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        daemon.wait_until_ready()
        with reading(kafka, names["outputs.results.topic"]) as results:
            scored = results.wait_for(SERIES * READINGS)
        assert daemon.leave() == 0
    assert {result["artifact"] for result in scored} == {name}
