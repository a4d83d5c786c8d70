"""The dashboard, the rules and the page agree: every query returns data from a real Prometheus."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.grafana.build import dashboard, queries
from streamer.http import make_app
from streamer.http_server import HttpServer
from streamer.metrics import Metrics
from streamer.series_block import FAMILIES
from tests.prometheus.plausible import GROUPS, SERIES_EACH, PlausibleDaemon
from tests.prometheus.server import Prometheus, shipped_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
SHIPPED = json.loads((CONFIG / "grafana" / "dashboards" / "streamer.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((CONFIG / "prometheus" / "rules" / "streamer.yml").read_text())["groups"]
    for rule in group["rules"]
]
UNUSED = {  # looked at by hand, where a graph says too little
    *("streamer_channels_missing_total", "streamer_alarms_closed_total", "streamer_series_split_total"),
    *("streamer_epochs_closed_total", "streamer_state_rows", "streamer_artifact_info", "streamer_build_info"),
    *("streamer_exported_series_admitted_total", "streamer_render_duration_seconds", "streamer_series_evicted_total"),
    *("streamer_checkpoint_offset", "streamer_config_timestamp_seconds", "streamer_alarms_historical_total"),
    *(f"streamer_shadow_{what}_total" for what in ("readings", "channels_judged", "crps", "surprise")),
    *("streamer_shadow_outside_band_total", "streamer_shadow_alarms_opened_total", "streamer_shadow_partitions"),
    *(f"streamer_retraining_{what}" for what in ("timestamp_seconds", "duration_seconds", "promoted", "crps")),
    *("streamer_retraining_channels_judged", "streamer_retraining_band_coverage_ratio"),
    *("streamer_drifts_total", "streamer_drift_timestamp_seconds", "streamer_drift_error_ratio"),
    *(f"streamer_alarm_line_{what}" for what in ("decades", "offset_decades", "extrapolated")),
    *("streamer_score_echo_ratio", "streamer_score_distance_ratio"),
    *("streamer_channels_replaced_total", "streamer_feedback_verdicts"),
    "streamer_artifact_adoptions_total",  # new weights are rare, and docs/operating.md says how to look at them
}


@pytest.fixture(scope="module")
def prometheus(start_prometheus: Callable[[str], Prometheus]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a plausible daemon and judges the shipped rules."""
    daemon = PlausibleDaemon()
    app = make_app(daemon.metrics, daemon.snapshots, lambda: True, str, None)
    with HttpServer(app, "127.0.0.1", 0) as server:
        yield start_prometheus(shipped_config(f"127.0.0.1:{server.port}"))


@pytest.mark.prometheus
@pytest.mark.parametrize("query", queries(SHIPPED))
def test_a_query_of_the_dashboard_returns_data(prometheus: Prometheus, query: str) -> None:
    assert prometheus.wait_for(query)


@pytest.mark.prometheus
def test_the_daemon_is_scraped_whole(prometheus: Prometheus) -> None:
    rows = prometheus.wait_for("streamer_series_value")

    (target,) = prometheus.targets()
    assert (target["health"], target["lastError"]) == ("up", "")
    assert len(rows) == sum(SERIES_EACH * len(channels) for channels in GROUPS.values())


@pytest.mark.prometheus
def test_every_reading_is_accounted_for_in_promql(prometheus: Prometheus) -> None:
    prometheus.wait_for("streamer_readings_read_total > 0")

    balanced = prometheus.query(
        "streamer_readings_read_total"
        " == streamer_readings_scored_total + sum without (reason) (streamer_readings_rejected_total)"
    )

    assert {sample["metric"]["group"] for sample in balanced} == set(GROUPS)


@pytest.mark.prometheus
def test_every_rule_is_judged_without_an_error(prometheus: Prometheus) -> None:
    prometheus.wait_for("group:streamer_series_anomalous:ratio")

    assert {rule["name"]: rule.get("lastError", "") for rule in prometheus.rules()} == {
        rule.get("alert", rule.get("record")): "" for rule in RULES
    }


@pytest.mark.prometheus
@pytest.mark.parametrize("rule", [rule for rule in RULES if "record" in rule], ids=lambda rule: rule["record"])
def test_a_recording_rule_returns_data(prometheus: Prometheus, rule: dict[str, Any]) -> None:
    assert prometheus.wait_for(rule["record"])


def test_the_shipped_dashboard_is_what_its_script_makes() -> None:
    assert dashboard() == SHIPPED, "run python -m config.grafana.build > config/grafana/dashboards/streamer.json"


def test_no_variable_is_left_in_a_query() -> None:
    assert [query for query in queries(SHIPPED) if "$" in query] == []


def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    panels = SHIPPED["panels"]
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert all(x < 24 for x, _ in cells)


def test_every_panel_has_a_title_a_unit_and_a_datasource_that_can_be_chosen() -> None:
    for panel in SHIPPED["panels"]:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def _metrics_named_in(texts: list[str]) -> set[str]:
    """The metrics that these expressions name, without the endings that a histogram's rows have."""
    names = {name for text in texts for name in re.findall(r"(?<![\w:])streamer_\w+", text)}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_dashboard_and_rules_name_only_metrics_that_exist_and_leave_out_none_by_accident() -> None:
    exported = {one.name for one in Metrics(groups=()).descriptions} | {family.name for family in FAMILIES}

    named = _metrics_named_in([*queries(SHIPPED), *(rule["expr"] for rule in RULES)])

    assert named - exported == set()
    assert exported - named == UNUSED
