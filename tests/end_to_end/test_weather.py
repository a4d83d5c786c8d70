"""The shipped weather configuration, through real Kafka: temperatures of two cities, and the same hour tomorrow."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import orjson
import pytest

from streamer.demo.data import weather
from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import DaemonProcess, adapted

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SCHEMA = Path(__file__).parents[2] / "docs" / "records" / "result.schema.json"
CITIES = ("seattle", "san-francisco")
HOURS, DAY = 24 * 21, 24
KNOWN = 24 * 9  # hours after which a day must have been learnt


@dataclass(frozen=True)
class Weeks:
    """What came of three weeks of both cities."""

    results: dict[str, list[dict[str, Any]]]  # by city, in the order of its readings
    alarms: list[dict[str, Any]]
    page: str  # /metrics


@pytest.fixture(scope="module")
def weeks(
    kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path_factory: Any
) -> Iterator[Weeks]:
    """`streamer run` on config/weather.yaml, nothing changed but names and ports."""
    topic = make_topic(prefix="weather")
    rows = [Row(None, orjson.dumps(row)) for row in islice(weather(), HOURS * len(CITIES))]
    write(kafka, topic, rows)
    changes = fresh_names() | {"groups.0.topics": [topic]}
    folder = tmp_path_factory.mktemp("weather")
    with DaemonProcess(adapted("weather.yaml", folder, changes), folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        scored = f'streamer_readings_scored_total{{group="stations"}} {len(rows)}'
        daemon.until(lambda: scored in daemon.ask("/metrics")[1].replace(".0\n", "\n"), scored)
        with reading(kafka, changes["outputs.results.topic"]) as results:
            came = results.wait_for(len(rows))
        with reading(kafka, changes["outputs.alarms.topic"]) as alarms:
            by_city = {city: [result for result in came if result["series"] == city] for city in CITIES}
            page = daemon.until(lambda: _with_rows(daemon.ask("/metrics")[1]), "rows of both cities")
            yield Weeks(by_city, alarms.read_to_end(), page)


def _with_rows(page: str) -> str:
    return page if all(f'streamer_series_value{{group="stations",series="{city}"' in page for city in CITIES) else ""


def column(results: list[dict[str, Any]], name: str) -> np.ndarray:
    """A number of every result, of tomorrow where the name says so; NaN where there is none."""
    _, is_ahead, member = name.rpartition("tomorrow ")
    places = [result["ahead"]["24"] if is_ahead else result for result in results]
    return np.array([place[member]["temperature"] for place in places], dtype=float)


def test_every_result_keeps_the_contract_and_says_what_tomorrow_is_expected(weeks: Weeks) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    for results in weeks.results.values():
        assert len(results) == HOURS
        for result in results:
            validator.validate(result)
            assert result["ahead"].keys() == {"24"}


@pytest.mark.parametrize("city", CITIES)
def test_tomorrow_is_forecast_nearer_than_now_is_to_it(weeks: Weeks, city: str) -> None:
    results = weeks.results[city]
    value, ahead = column(results, "value"), column(results, "tomorrow forecast")
    now, then = slice(KNOWN, -DAY), slice(KNOWN + DAY, None)

    error = np.abs(ahead[now] - value[then]).mean()

    assert error < 0.5 * np.abs(value[now] - np.roll(value, 12)[now]).mean()  # half of what day and night are apart


@pytest.mark.parametrize("city", CITIES)
def test_the_band_of_tomorrow_holds_most_of_it(weeks: Weeks, city: str) -> None:
    results = weeks.results[city]
    value = column(results, "value")
    lower, upper = (column(results, f"tomorrow {edge}") for edge in ("lower", "upper"))
    now, then = slice(KNOWN, -DAY), slice(KNOWN + DAY, None)

    is_inside = (lower[now] <= value[then]) & (value[then] <= upper[now])

    assert is_inside.mean() > 0.9


def test_the_page_names_the_horizon_of_every_forecast(weeks: Weeks) -> None:
    for city in CITIES:
        labels = f'group="stations",series="{city}",channel="temperature"'
        for horizon in ("1", "24"):
            for name in ("forecast", "forecast_lower", "forecast_upper"):
                assert f'streamer_series_{name}{{{labels},horizon="{horizon}"}} ' in weeks.page


def test_no_station_is_called_silent_while_its_readings_come(weeks: Weeks) -> None:
    assert [alarm for alarm in weeks.alarms if alarm["kind"] == "silence"] == []
