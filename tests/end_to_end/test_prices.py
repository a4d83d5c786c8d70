"""The shipped market configuration on daily prices, through real Kafka: weekends are gaps, and no silence."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import orjson
import pytest

from streamer.demo.data import apple, bitcoin, brent
from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import DaemonProcess, adapted

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SCHEMA = Path(__file__).parents[2] / "docs" / "records" / "results-bulk.schema.json"
SOURCES = {"apple": apple, "brent": brent, "bitcoin": bitcoin}
DAYS = 300  # of trading, the last ones of each
YOUNG = 64
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Prices:
    """What came of the prices. Arrays by series, in the order of its readings."""

    prices: dict[str, np.ndarray]
    timestamp_ns: dict[str, np.ndarray]
    columns: dict[str, dict[str, np.ndarray]]
    batches: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


@pytest.fixture(scope="module")
def judged(
    kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path_factory: Any
) -> Iterator[Prices]:
    """`streamer run` on config/market.yaml, nothing changed but names, ports and where it starts."""
    rows = {name: list(source())[-DAYS:] for name, source in SOURCES.items()}
    topics = {name: make_topic(prefix=f"daily-{name}") for name in rows}
    for name, topic in topics.items():
        write(kafka, topic, [Row(None, orjson.dumps(row)) for row in rows[name]])
    changes = fresh_names() | {
        "kafka.start": "earliest",
        "groups.0.topic_patterns": ["none of them"],
        "groups.1.topic_patterns": list(topics.values()),
    }
    folder = tmp_path_factory.mktemp("prices")
    with DaemonProcess(adapted("market.yaml", folder, changes), folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        scored = f'streamer_readings_scored_total{{group="prices"}} {DAYS * len(SOURCES)}'
        daemon.until(lambda: scored in daemon.ask("/metrics")[1].replace(".0\n", "\n"), scored)
    with reading(kafka, changes["outputs.results.topic"]) as results:
        batches = results.read_to_end()
    with reading(kafka, changes["outputs.alarms.topic"]) as alarms:
        prices = {name: np.array([row["price"] for row in rows[name]]) for name in rows}
        yield collected(prices, batches, alarms.read_to_end())


def collected(prices: dict[str, np.ndarray], batches: list[dict[str, Any]], alarms: list[dict[str, Any]]) -> Prices:
    """Join the columns of the batches by series."""
    series, time = (
        np.concatenate([batch["columns"][name] for batch in batches]) for name in ("series", "timestamp_ns")
    )
    joined = {
        name: np.concatenate([np.array(batch["columns"][name][0], dtype=float) for batch in batches])
        for name in ("value", "lower", "upper")
    }
    columns = {name: {key: column[series == name] for key, column in joined.items()} for name in prices}
    return Prices(prices, {name: time[series == name] for name in prices}, columns, batches, alarms)


def test_bulk_results_keep_the_contract(judged: Prices) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    for batch in judged.batches:
        validator.validate(batch)
    assert {batch["group"] for batch in judged.batches} == {"prices"}


@pytest.mark.parametrize("series", SOURCES)
def test_what_is_judged_of_a_price_is_its_log_return(judged: Prices, series: str) -> None:
    came = judged.columns[series]["value"]

    assert len(came) == DAYS
    np.testing.assert_allclose(came[1:], np.diff(np.log(judged.prices[series])), rtol=1e-9)


@pytest.mark.parametrize("series", ["apple", "brent"])
def test_the_band_widens_over_a_weekend(judged: Prices, series: str) -> None:
    days = np.diff(judged.timestamp_ns[series]) // DAY_NS
    width = judged.columns[series]["upper"] - judged.columns[series]["lower"]
    is_monday = np.flatnonzero((days == 3) & (np.arange(DAYS - 1) > YOUNG)) + 1

    widening = width[is_monday] / width[is_monday - 1]

    assert len(is_monday) > 30
    assert 1.4 < np.median(widening) < 2.1  # of three days: the root of three


def test_a_market_that_is_shut_is_no_silence(judged: Prices) -> None:
    assert {alarm["kind"] for alarm in judged.alarms} <= {"spike"}
