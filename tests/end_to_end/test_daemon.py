"""Real readings through a real Kafka, the daemon as a process and a real Prometheus, as the README has it."""

import base64
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from config.grafana.build import dashboard, queries
from streamer import config as configuration
from streamer.wiring import build
from tests.end_to_end.conftest import KEYS, NOT_JSON, REASONS, TOO_LARGE, Life, Second, Source
from tests.end_to_end.independent import TopicReader

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.slow]
SCHEMAS = Path(__file__).parents[2] / "docs" / "records"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_reading_has_exactly_one_result(life: Life, source: Source) -> None:
    results = life.results.values

    assert len(results) == source.readings
    assert len({(result["partition"], result["offset"], result["index"]) for result in results}) == source.readings
    assert {result["topic"] for result in results} == {source.topic}


def test_results_are_keyed_by_series_and_in_its_order(life: Life) -> None:
    for key in KEYS:
        records = [record for record in life.results.records if record.key == key.encode()]
        values = [json.loads(record.value) for record in records]

        assert {value["series"] for value in values} == {key}
        assert len({record.partition for record in records}) == 1
        assert [value["offset"] for value in values] == sorted(value["offset"] for value in values)
        assert [value["timestamp"] for value in values] == sorted(value["timestamp"] for value in values)


def test_every_score_is_finite_and_every_forecast_lies_in_its_band(life: Life) -> None:
    for result in life.results.values:
        assert math.isfinite(result["anomaly_score"])
        assert 0 <= result["p_value"] <= 1
        for channel, forecast in result["forecast"].items():
            if forecast is not None:
                assert result["lower"][channel] < forecast < result["upper"][channel]


def test_a_series_is_forecast_from_its_second_reading_on(life: Life) -> None:
    firsts = [result for result in life.results.values if None in result["forecast"].values()]

    assert len(firsts) == len(KEYS)
    assert {result["timestamp"] for result in firsts} == {"2015-02-04T17:51:00.000000000Z"}


@pytest.mark.parametrize(
    ("name", "schema"), [("results", "result"), ("alarms", "alarm"), ("dead_letters", "dead-letter")]
)
def test_every_record_keeps_the_contract_of_the_wire(life: Life, name: str, schema: str) -> None:
    reader: TopicReader = getattr(life, name)
    validator = jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))

    assert reader.records
    for value in reader.values:
        validator.validate(value)


def test_an_alarm_opens_at_a_score_above_one_and_closes_once(life: Life) -> None:
    alarms: dict[str, list[dict[str, Any]]] = {}
    for alarm in life.alarms.values:
        alarms.setdefault(alarm["alarm_id"], []).append(alarm)

    assert alarms
    for events in alarms.values():
        assert [alarm["event"] for alarm in events] in (["opened"], ["opened", "closed"])
        assert events[0]["anomaly_score"] > 1
        assert events[0]["timestamp"] == events[0]["opened_timestamp"] == events[-1]["opened_timestamp"]
        assert 1 < events[0]["peak_score"] <= events[0]["anomaly_score"]  # of its kind, and of all
        assert events[-1]["peak_score"] >= events[0]["peak_score"]
        assert events[0]["is_anomalous"]


def test_alarms_open_and_close_where_the_results_say_so(life: Life) -> None:
    told: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for alarm in life.alarms.values:
        told.setdefault((alarm["series"], alarm["offset"]), []).append(alarm)

    for key in KEYS:
        is_open: set[str] = set()  # alarms of all kinds
        for result in (result for result in life.results.values if result["series"] == key):
            for alarm in told.pop((key, result["offset"]), []):
                (is_open.add if alarm["event"] == "opened" else is_open.remove)(alarm["alarm_id"])
            assert result["is_anomalous"] is bool(is_open)
    assert told == {}


def test_equal_readings_of_different_series_have_equal_results(life: Life) -> None:
    """Neighbours, partitions and batches reach no digit."""
    identity = {"series", "partition", "offset"}
    each = [
        [
            {name: part for name, part in result.items() if name not in identity}
            for result in life.results.values
            if result["series"] == key
        ]
        for key in KEYS
    ]

    assert each[0] == each[1]


def test_replay_equals_live(life: Life, occupancy: Path, tmp_path: Path) -> None:
    raw = yaml.safe_load(life.config.read_text())
    raw["source"] = {"type": "replay", "files": [{"path": str(occupancy), "topic": "rows", "key": "room"}]}
    raw["sink"] = {"type": "files", "directory": str(tmp_path)}
    raw["groups"][0]["topics"] = ["rows"]
    raw["http"] = {"port": 0}
    (tmp_path / "replay.yaml").write_text(yaml.safe_dump(raw))

    with build(configuration.load(tmp_path / "replay.yaml")) as daemon:
        daemon.turn_until(lambda: daemon.has_ended)

    origin = {"topic", "partition", "offset"}
    replayed = rows_of(tmp_path / f"{life.changes['outputs.results.topic']}.jsonl")
    live = [result for result in life.results.values if result["series"] == "room"]
    assert [[part for name, part in result.items() if name not in origin] for result in replayed] == [
        [part for name, part in result.items() if name not in origin] for result in live
    ]


def test_a_bad_record_becomes_a_dead_letter(life: Life) -> None:
    letters = life.dead_letters.values

    assert [letter["rejected"][0]["reason"] for letter in letters] == ["malformed", "too_large"]
    assert [(letter["topic"], letter["offset"]) for letter in letters] == [(life.late_topic, 0), (life.late_topic, 1)]
    assert base64.b64decode(letters[0]["value_base64"]) == NOT_JSON
    assert letters[1]["truncated"]
    assert letters[1]["value_bytes"] == len(TOO_LARGE)
    assert "expected a JSON object" in letters[0]["rejected"][0]["detail"]


def test_prometheus_shows_the_last_score_of_every_series(life: Life) -> None:
    scraped = life.prometheus.wait_for("streamer_series_anomaly_score")

    last = {result["series"]: result["anomaly_score"] for result in life.results.values}
    shown = {sample["metric"]["series"]: float(sample["value"][1]) for sample in scraped}
    assert shown.keys() == last.keys()
    assert {series: np.float32(score) for series, score in shown.items()} == {
        series: np.float32(score) for series, score in last.items()
    }


def test_every_reading_is_accounted_for_in_promql(life: Life, source: Source) -> None:
    balanced = life.prometheus.query(
        "streamer_readings_read_total"
        " == streamer_readings_scored_total + sum without (reason) (streamer_readings_rejected_total)"
    )
    rejected = life.prometheus.query("streamer_readings_rejected_total > 0")

    assert [float(sample["value"][1]) for sample in balanced] == [source.readings + len(REASONS)]
    assert {sample["metric"]["reason"]: sample["value"][1] for sample in rejected} == dict.fromkeys(REASONS, "1")


def test_every_query_of_the_dashboard_returns_data(life: Life) -> None:
    life.prometheus.wait_for("rate(streamer_readings_read_total[1m])")

    assert [query for query in queries(dashboard()) if not life.prometheus.query(query)] == []


def test_the_metrics_count_what_the_topics_hold(life: Life) -> None:
    emitted = life.prometheus.query("streamer_emitted_records_total")
    opened = life.prometheus.query("sum(streamer_alarms_opened_total)")

    assert {sample["metric"]["topic"]: int(sample["value"][1]) for sample in emitted} == {
        life.changes["outputs.results.topic"]: len(life.results.records),
        life.changes["outputs.alarms.topic"]: len(life.alarms.records),
        life.changes["outputs.dead_letters.topic"]: len(life.dead_letters.records),
    }
    assert [int(sample["value"][1]) for sample in opened] == [
        sum(alarm["event"] == "opened" for alarm in life.alarms.values)
    ]


def test_nothing_is_left_to_read(life: Life) -> None:
    lags = life.prometheus.query("streamer_lag_records")

    assert {sample["value"][1] for sample in lags} == {"0"}
    assert life.late_topic in {sample["metric"]["topic"] for sample in lags}  # where nothing could be scored


@pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy\n"), ("/-/ready", "ready\n")])
def test_the_daemon_says_that_it_is_well(life: Life, path: str, word: str) -> None:
    assert life.daemon.ask(path) == (200, word)


def test_sigterm_ends_it_in_good_order(second: Second) -> None:
    assert second.exit_code == 0
    assert "SIGTERM: leaving after this batch" in second.log
    assert "left: everything that was read is delivered and committed" in second.log
    assert "Traceback" not in second.log


def test_what_was_read_is_committed(second: Second, source: Source) -> None:
    read = {partition: offset for partition, offset in source.next_offsets.items() if offset}

    assert {partition: offset for partition, offset in second.committed.items() if offset} == read


def test_a_second_run_scores_nothing_again(second: Second, source: Source) -> None:
    assert second.results_before == source.readings
    assert [result["timestamp"] for result in second.results_after] == ["2015-02-11T00:00:00.000000000Z"]
