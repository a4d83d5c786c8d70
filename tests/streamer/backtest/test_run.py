"""That a backtest says what the daemon would have said: by the same code, and told on the command line."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from connectors.columns import TopicPartition
from connectors.errors import ConfigError
from streamer.artifacts import artifact_of
from streamer.backtest.recorder import History
from streamer.backtest.run import backtest, files_of
from streamer.config import Config, load
from streamer.judge import make_judge
from streamer.partition import Partition
from streamer.phases import Phases
from streamer.steps import Steps
from tests.end_to_end.process import run
from tests.streamer.fleets import readings

READINGS, SPIKE = 120, 90
SERIES = ("pump-1", "pump-2")
MINUTE_SECONDS = 60.0
VALUES = np.cumsum(np.random.default_rng(5).standard_normal((READINGS, len(SERIES))), axis=0)
VALUES[SPIKE, 1] += 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration for Kafka, data of its topic with a row that cannot be read, and labels."""
    folder = tmp_path_factory.mktemp("backtest")
    times = [f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z" for n in range(READINGS)]
    rows = [f"{name},{times[n]},{float(VALUES[n, k])!r}" for n in range(READINGS) for k, name in enumerate(SERIES)]
    (folder / "sensors.csv").write_text("\n".join(["series,time,value", *rows, "pump-1,never,1"]))
    (folder / "labels.csv").write_text(f"series,start,end\npump-2,{times[SPIKE]},{times[SPIKE + 5]}\n")
    config = {
        "kafka": {"bootstrap_servers": "localhost:1", "group_id": "nobody", "start": "earliest"},
        "groups": [
            {
                "name": "machines",
                "topics": ["readings"],
                "format": {"type": "json", "series_field": "series", "timestamp_field": "time"},
            }
        ],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    return load(folder / "config.yaml")


@pytest.fixture(scope="module")
def histories(folder: Path, config: Config) -> list[History]:
    recorder = backtest(config, files_of(config, folder / "sensors.csv", None, None), lambda *_: None)
    assert (recorder.scored, recorder.rejected) == (READINGS * 2, 1)
    return list(recorder.histories())


def test_a_backtest_says_what_a_partition_says(histories: list[History], config: Config) -> None:
    seconds = [1_767_225_600 + MINUTE_SECONDS * n for n in range(READINGS)]
    (group,) = config.groups
    steps, phases = Steps(torch.device("cpu")), Phases(lambda: 0.0, lambda *_: None)
    judge = make_judge(group.name, group.choices, artifact_of(group), steps, phases)
    partition = Partition(judge, TopicPartition("readings", 0))

    progress = partition.advance(
        readings(list(SERIES) * READINGS, np.repeat(seconds, 2).tolist(), VALUES.reshape(-1, 1))
    )

    assert [history.series for history in histories] == list(SERIES)
    score = np.concatenate([result.anomaly_score for result in progress.results])
    forecast = np.concatenate([result.forecast for result in progress.results])
    for number, history in enumerate(histories):
        np.testing.assert_array_equal(history.anomaly_score, score[number::2])
        np.testing.assert_array_equal(history.forecast, forecast[number::2])
        np.testing.assert_array_equal(history.value[:, 0], VALUES[:, number])


def test_an_alarm_is_found_at_the_reading_that_opened_it(histories: list[History]) -> None:
    assert SPIKE in np.flatnonzero(histories[1].opened)
    assert len(histories[1].openings) >= np.count_nonzero(histories[1].opened) >= 1


def test_a_file_is_the_topic_that_it_is_named_after_or_the_only_one(folder: Path, config: Config) -> None:
    (file,) = files_of(config, folder / "sensors.csv", None, "series")

    assert (file.topic, file.key_field) == ("readings", "series")


def test_files_of_a_folder_are_named_after_their_topics(tmp_path: Path, config: Config) -> None:
    for name in ("readings.csv.gz", "notes.txt"):
        (tmp_path / name).write_text("")

    assert [file.topic for file in files_of(config, tmp_path, None, None)] == ["readings"]


def test_a_folder_with_a_file_of_no_topic_or_without_data_is_refused(tmp_path: Path, config: Config) -> None:
    with pytest.raises(ConfigError, match=r"--data: Expected data files .* in the folder"):
        files_of(config, tmp_path, None, None)
    (tmp_path / "other.csv").write_text("")
    with pytest.raises(ConfigError, match=r"--data: Expected a file named after one of the topics \['readings'\]"):
        files_of(config, tmp_path, None, None)


def test_the_command_prints_a_table_and_writes_a_report(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"

    done = run(
        "backtest", folder / "config.yaml", "--data", folder / "sensors.csv",
        "--labels", folder / "labels.csv", "--report", report, COLUMNS="160",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "1 of 1" in done.stdout
    assert "240 readings scored, 1 rejected" in done.stdout
    assert "machines: pump-2" in report.read_text(encoding="utf-8")


def test_the_command_tells_labels_that_meet_no_reading_and_files_that_are_not_there(folder: Path) -> None:
    absent = run("backtest", folder / "config.yaml", "--data", folder / "none.csv")

    assert absent.returncode == 2
    assert f"{folder / 'none.csv'}: expected a data file, got none" in absent.stderr
