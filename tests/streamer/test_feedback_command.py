"""`streamer feedback`: an alarm is found among those that were written, and what is said of it is kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kafka import KafkaProducer
from typer.testing import CliRunner

from connectors.encode import Encoder
from connectors.errors import ConfigError
from connectors.files import FileSink
from connectors.outputs import OutputOptions
from connectors.verdicts import Verdict, Verdicts
from streamer import config
from streamer.cli import app
from streamer.config import Config
from streamer.feedback_command import Word, give
from tests.conftest import MakeTopic
from tests.connectors.columns_samples import FIRST_TIMESTAMP, alarms_of, results_of, silences_of

IDENTITY = "pump-7/spike/4"  # of the sample


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    """A configuration that writes to files, with a place for verdicts."""
    return {
        "source": {"type": "replay", "files": [{"path": "none", "topic": "machines"}]},
        "sink": {"type": "files", "directory": str(folder / "out")},
        "feedback": str(folder / "feedback"),
        "groups": [{"name": "plant", "topics": ["machines"], "format": {"type": "json", "timestamp_field": "t"}}],
    } | changes


def written(folder: Path) -> Config:
    """The configuration, after a daemon has written some alarms."""
    sink = FileSink(folder / "out", Encoder(OutputOptions()))
    sink.write(alarms_of(results_of(["pump-7", "pump-8", "pump-9", "pump-7"])))
    sink.write(silences_of(["pump-7", "pump-8"]))
    sink.flush()
    sink.close()
    return config.parse(settings(folder), "f.yaml")


def word(alarm_id: str = IDENTITY, verdict: Any = "false", days: float = 30, note: str = "") -> Word:
    return Word(alarm_id=alarm_id, verdict=verdict, days=days, note=note)


def test_a_verdict_has_what_the_records_of_the_alarm_say(tmp_path: Path) -> None:
    verdict, path = give(written(tmp_path), word(note="cleaning"), "2026-01-01T08:00:00+00:00")

    assert verdict == Verdict(
        alarm_id=IDENTITY,
        group="plant",
        series="pump-7",
        kind="spike",
        verdict="false",
        peak_ratio=3.5 * 2.5,  # the largest score of its records, which was counted in a raised line
        timestamp_ns=FIRST_TIMESTAMP + 3_000_000_000,  # of the newest of them
        days=30,
        note="cleaning",
        given_at="2026-01-01T08:00:00+00:00",
    )
    assert Verdicts(tmp_path / "feedback").all() == [verdict]
    assert path.parent == tmp_path / "feedback"


def test_records_of_before_there_was_feedback_are_understood(tmp_path: Path) -> None:
    configured = written(tmp_path)
    path = tmp_path / "out" / "alarms.jsonl"
    members = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in one.items() if k != "tolerance"}) + "\n" for one in members))

    verdict, _ = give(configured, word(), "")

    assert verdict.peak_ratio == 3.5


@pytest.mark.parametrize(
    ("alarm_id", "changes", "told"),
    [
        ("nobody", {}, "Expected an alarm on 'alarms', got none with the id nobody"),
        ("spike", {}, "Expected an alarm on 'alarms', got none with the id spike"),
        ("pump-7/silence", {}, "alarm pump-7/silence: Expected one of a kind that has a line, got silence"),
        (IDENTITY, {"feedback": None}, "feedback: Expected a directory to keep verdicts in, got none"),
        (IDENTITY, {"sink": {"type": "discard"}}, "sink.type: Expected kafka or files, .* got discard"),
        (IDENTITY, {"sink": {"type": "files", "directory": "/none"}}, "Expected the alarms that were written, got: "),
    ],
)
def test_what_cannot_be_judged_is_refused(alarm_id: str, changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    written(tmp_path)

    with pytest.raises(ConfigError, match=told):
        give(config.parse(settings(tmp_path, **changes), "f.yaml"), word(alarm_id), "")

    assert Verdicts(tmp_path / "feedback").all() == []


def said(folder: Path, content: dict[str, Any], *arguments: str) -> Any:
    """What the command line makes of this."""
    path = folder / "f.yaml"
    path.write_text(yaml.safe_dump(content))
    return CliRunner().invoke(app, ["feedback", str(path), *arguments])


def test_the_command_keeps_a_verdict_and_tells_of_it(tmp_path: Path) -> None:
    written(tmp_path)

    outcomes = [said(tmp_path, settings(tmp_path), IDENTITY, way, "--note", "tea") for way in ("--false", "--true")]

    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert outcomes[0].stdout.startswith("false: spike of pump-7 in plant, 8.75 times its line; kept as ")
    [verdict] = Verdicts(tmp_path / "feedback").all()
    assert (verdict.verdict, verdict.note, verdict.days) == ("true", "tea", 60)


def test_the_command_takes_no_verdict_for_granted(tmp_path: Path) -> None:
    written(tmp_path)

    assert said(tmp_path, settings(tmp_path), IDENTITY).exit_code == 2


@pytest.mark.kafka
def test_an_alarm_is_found_on_its_topic(
    kafka: str, make_topic: MakeTopic, make_options: Callable[..., Any], tmp_path: Path
) -> None:
    topic = make_topic(partitions=3)
    outputs = {"alarms": {"topic": topic}}
    producer = KafkaProducer(bootstrap_servers=kafka)
    for message in Encoder(OutputOptions()).encode(alarms_of(results_of(["pump-7", "pump-8", "pump-9", "pump-7"]))):
        producer.send(topic, key=message.key, value=message.value)
    producer.send(topic, key=b"gone", value=None)
    producer.flush()
    producer.close()
    options = make_options()
    brokers = {"bootstrap_servers": kafka, "group_id": options.group_id, "start": "latest"}
    content = settings(tmp_path, sink={"type": "kafka"}, kafka=brokers, outputs=outputs)

    outcomes = [said(tmp_path, content, identity, "--false") for identity in (IDENTITY, "nobody")]

    assert outcomes[0].exit_code == 0, outcomes[0].output
    assert Verdicts(tmp_path / "feedback").all()[0].peak_ratio == 8.75
    assert isinstance(outcomes[1].exception, ConfigError)
    assert f"Expected an alarm on '{topic}', got none with the id nobody" in str(outcomes[1].exception)
