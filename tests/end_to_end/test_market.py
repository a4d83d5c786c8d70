"""The shipped market configuration on ticks: one instant twice, a closed night, a counter that starts again."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.conftest import MakeTopic
from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import DaemonProcess, adapted

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SCHEMA = Path(__file__).parents[2] / "docs" / "records" / "results-bulk.schema.json"
OPEN_MS = 1_767_600_000_000  # 2026-01-05, 08:00 UTC
NIGHT_SECONDS = 15.5 * 3600
DAY_TICKS = 400
TWICE_AT = 200  # this tick has the instant of the one before
RESET_AT = 300  # of the second day: here the volume starts again from zero
SYMBOLS = ("AAPL", "MSFT", "BRK.B")


@dataclass(frozen=True)
class Day:
    """What came out of two days of ticks. Arrays by symbol, in the order of the ticks."""

    timestamp_ns: dict[str, Any]
    columns: dict[str, dict[str, Any]]  # name -> (ticks,) or (channels, ticks)
    channels: list[str]
    batches: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


def ticks(symbol: str, seed: int) -> list[dict[str, Any]]:
    """Two days of a random walk of the price, a tick about every second, and the volume traded so far."""
    random = np.random.default_rng(seed)
    pauses = random.uniform(0.5, 1.5, 2 * DAY_TICKS)
    pauses[TWICE_AT] = 0
    pauses[DAY_TICKS] = NIGHT_SECONDS
    returns = random.normal(scale=2e-4, size=2 * DAY_TICKS)
    returns[DAY_TICKS] *= 20  # the night moves the price more than a second does
    price = 100 * np.exp(np.cumsum(returns))
    volume = np.cumsum(random.integers(50, 150, 2 * DAY_TICKS))
    volume[DAY_TICKS + RESET_AT :] -= volume[DAY_TICKS + RESET_AT - 1]
    time_ms = OPEN_MS + np.round(1000 * np.cumsum(pauses)).astype(int)
    return [
        {"symbol": symbol, "t": int(t), "price": float(p), "volume": int(v)}
        for t, p, v in zip(time_ms, price, volume, strict=True)
    ]


@pytest.fixture(scope="module")
def day(
    kafka: str, make_topic: MakeTopic, fresh_names: Callable[[], dict[str, Any]], tmp_path_factory: Any
) -> Iterator[Day]:
    """`streamer run` on config/market.yaml, nothing changed but names and ports; it starts at the latest record."""
    topic = make_topic(prefix="ticks-e2e")
    write(kafka, topic, [Row(None, b'{"symbol": "before", "t": 1, "price": 1, "volume": 1}')])
    changes = fresh_names() | {"groups.0.topic_patterns": [f"{topic}.*"], "groups.1.topic_patterns": ["none of them"]}
    folder = tmp_path_factory.mktemp("market")
    each = [ticks(symbol, seed) for seed, symbol in enumerate(SYMBOLS)]
    rows = [Row(None, json.dumps(tick).encode()) for together in zip(*each, strict=True) for tick in together]
    with DaemonProcess(adapted("market.yaml", folder, changes), folder, KAFKA_BOOTSTRAP_SERVERS=kafka) as daemon:
        daemon.wait_until_ready()
        write(kafka, topic, rows)
        scored = f'streamer_readings_scored_total{{group="ticks"}} {len(rows)}'
        daemon.until(lambda: scored in daemon.ask("/metrics")[1].replace(".0\n", "\n"), scored)
    with reading(kafka, changes["outputs.results.topic"]) as results:
        batches = results.read_to_end()
    with reading(kafka, changes["outputs.alarms.topic"]) as alarms:
        yield collected(batches, alarms.read_to_end())


def collected(batches: list[dict[str, Any]], alarms: list[dict[str, Any]]) -> Day:
    """Join the columns of the batches, as a reader of bulk results does."""
    joined = {
        name: np.concatenate([np.array(batch["columns"][name], dtype=float) for batch in batches], axis=-1)
        for name in ("value", "lower", "upper", "anomaly_score")
    }
    time = np.concatenate([batch["columns"]["timestamp_ns"] for batch in batches])
    series = np.concatenate([batch["columns"]["series"] for batch in batches])
    return Day(
        timestamp_ns={symbol: time[series == symbol] for symbol in np.unique(series).tolist()},
        columns={
            symbol: {name: column[..., series == symbol] for name, column in joined.items()} for symbol in SYMBOLS
        },
        channels=batches[0]["channels"],
        batches=batches,
        alarms=alarms,
    )


def test_bulk_results_keep_the_contract_and_hold_every_tick(day: Day) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    for batch in day.batches:
        validator.validate(batch)
    assert {symbol: len(time) for symbol, time in day.timestamp_ns.items()} == dict.fromkeys(SYMBOLS, 2 * DAY_TICKS)
    assert len(day.batches) < 2 * DAY_TICKS


def test_a_new_group_starts_at_the_latest_record(day: Day) -> None:
    assert "before" not in day.timestamp_ns


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_two_ticks_of_one_instant_are_both_scored(day: Day, symbol: str) -> None:
    time, columns = day.timestamp_ns[symbol], day.columns[symbol]

    assert time[TWICE_AT] == time[TWICE_AT - 1]
    assert np.isfinite(columns["value"][0, TWICE_AT])  # the return is judged
    assert np.isnan(columns["value"][1, TWICE_AT])  # the rate is not: no time has passed
    assert np.isfinite(columns["value"][1, TWICE_AT + 1])


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_what_is_judged_is_the_log_return_and_the_rate(day: Day, symbol: str) -> None:
    came = ticks(symbol, SYMBOLS.index(symbol))
    columns = day.columns[symbol]

    assert day.channels == ["log_return", "volume_rate"]
    expected = math.log(came[7]["price"]) - math.log(came[6]["price"])
    assert columns["value"][0, 7] == pytest.approx(expected, rel=1e-12)
    rate = (came[7]["volume"] - came[6]["volume"]) / (came[7]["t"] - came[6]["t"]) * 1000
    assert columns["value"][1, 7] == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_band_widens_over_a_closed_night(day: Day, symbol: str) -> None:
    width = day.columns[symbol]["upper"][0] - day.columns[symbol]["lower"][0]

    assert width[DAY_TICKS] > 4 * width[DAY_TICKS - 1]
    assert width[DAY_TICKS + 10] < 4 * width[DAY_TICKS - 1]


def test_neither_the_night_nor_the_reset_of_a_counter_raises_an_alarm(day: Day) -> None:
    assert [(alarm["series"], alarm["timestamp"], alarm["shares"]) for alarm in day.alarms] == []


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_counter_that_starts_again_is_a_rate_as_before(day: Day, symbol: str) -> None:
    rate = day.columns[symbol]["value"][1]

    assert 20 < rate[DAY_TICKS + RESET_AT] < 400
    assert day.columns[symbol]["anomaly_score"][DAY_TICKS + RESET_AT] < 1
