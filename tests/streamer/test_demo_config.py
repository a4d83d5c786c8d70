"""The demo under another configuration: config/market.yaml and config/weather.yaml on the data it has for them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import ConfigError
from streamer.demo import Demo, data
from streamer.demo.data import OFFERED, Row, weather

CONFIG = Path(__file__).parents[2] / "config"
READINGS = 200  # of each set


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every set of the demo ends early."""

    def cut(topic: str) -> None:
        whole = OFFERED[topic]

        def beginning() -> Iterator[Row]:
            return iter(list(whole())[:READINGS])  # river leaves a file open that is not read to its end

        monkeypatch.setitem(OFFERED, topic, beginning)

    for topic in OFFERED:
        cut(topic)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("market", {("prices", "apple", "200"), ("prices", "brent", "200"), ("prices", "bitcoin", "200")}),
        ("weather", {("stations", "seattle", "100"), ("stations", "san-francisco", "100")}),
    ],
)
def test_its_groups_judge_what_the_demo_has_for_their_topics(
    name: str, series: set[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    Demo("gru", 0, CONFIG / f"{name}.yaml").run(threading.Event(), once=True)

    lines = [tuple(line.split()[:3]) for line in capsys.readouterr().out.splitlines()]
    assert {line for line in lines if line[2:] and line[2].isdecimal()} == series


def test_a_configuration_without_a_topic_of_the_demo_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"sensors.yaml: Expected a group with one of the topics .*'weather'"):
        Demo("gru", 0, CONFIG / "sensors.yaml").run(threading.Event(), once=True)


def test_the_weather_is_hourly_by_local_standard_time_all_year() -> None:
    rows = list(weather())

    assert [row["series"] for row in rows[:4]] == ["seattle", "san-francisco"] * 2
    assert rows[0]["time"].isoformat() == "2010-01-01T00:00:00-08:00"
    assert (rows[0]["temperature"], rows[1]["temperature"]) == (39.4, 47.8)
    seconds = np.array([row["time"].timestamp() for row in rows[::2]])
    assert len(seconds) == 8759
    assert np.unique(np.diff(seconds)).tolist() == [3600, 7200]


def test_without_the_package_that_has_the_weather_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "find_spec", lambda _: None)

    with pytest.raises(ConfigError, match=r"seattle-temps.csv: Expected the package vega_datasets"):
        next(weather())
