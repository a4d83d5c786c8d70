"""Writes the Grafana dashboard: ``python -m config.grafana.build > config/grafana/dashboards/streamer.json``."""

import json
import re
from typing import Any

from config.grafana.panels import (
    AMBER,
    BLUE,
    DATASOURCE,
    GREY,
    Panel,
    graph,
    heatmap,
    override,
    placed,
    stat,
    table,
    target,
    thresholds,
    timeline,
)
from config.grafana.state import state

GROUP = 'group=~"$group"'
SERIES = 'group=~"$group", series=~"$series"'
CHANNEL = 'group=~"$group", series=~"$series", channel=~"$channel"'
NEXT = f'{CHANNEL}, horizon=~"|1"'  # of the next reading, whether or not its group looks further
SUBSTITUTES = {"$group": ".*", "$series": ".*", "$channel": ".*", "$__rate_interval": "1m", "$__range": "5m"}


def dashboard() -> dict[str, Any]:
    """Lay out the whole dashboard as Grafana's JSON model has it."""
    rows = {"Overview": overview(), "Series": single_series(), "Daemon": daemon(), "State": state()}
    return {
        "uid": "streamer",
        "title": "streamer",
        "description": "Anomaly detection for every series on your Kafka. Written by config/grafana/build.py.",
        "tags": ["streamer"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": variables()},
        "annotations": {"list": [restarts()]},
        "panels": placed(rows),
    }


def queries(built: dict[str, Any]) -> list[str]:
    """List every query of a dashboard, its variables replaced so that Prometheus takes it as it is."""
    targets = [target["expr"] for panel in built["panels"] for target in panel.get("targets", [])]
    annotations = [annotation["expr"] for annotation in built["annotations"]["list"]]
    asked = [one["query"]["query"] for one in built["templating"]["list"] if one["type"] == "query"]
    metrics = [re.sub(r"^label_values\((.+), *\w+\)$", r"\1", query) for query in asked]
    return [_substituted(query) for query in (*targets, *annotations, *metrics)]


def _substituted(query: str) -> str:
    for variable, text in SUBSTITUTES.items():
        query = query.replace(variable, text)
    return query


def overview() -> list[Panel]:
    """What a person on duty looks at first."""
    return [
        stat("Series live", f"sum(streamer_series_live{{{GROUP}}})", "Series remembered."),
        stat("Anomalous now", f"sum(streamer_series_anomalous{{{GROUP}}})", "Series with an open alarm.", alert=1),
        stat("Readings a second", f"sum(rate(streamer_readings_scored_total{{{GROUP}}}[$__rate_interval]))", "Scored."),
        stat("Lag", "sum(streamer_lag_records)", "Records between us and the end of the topics.", alert=10_000),
        graph(
            "Share of the series that is anomalous",
            [
                target(
                    f"sum by (group) (streamer_series_anomalous{{{GROUP}}}) / sum by (group) (streamer_series_live)",
                    "{{group}}",
                )
            ],
            "Above 5 % for a minute StreamerGroupAnomalous fires.",
            unit="percentunit",
        ),
        graph(
            "Alarms opened",
            [
                target(
                    f"sum by (group, kind) (rate(streamer_alarms_opened_total{{{GROUP}}}[5m])) * 60",
                    "{{group}} {{kind}}",
                )
            ],
            "Alarms a minute, over five minutes.",
        ),
        graph(
            "Alarms opened against the budget",
            [
                target(
                    "sum by (topic, kind) (streamer_alarms_opened_ratio)"
                    " / sum by (topic, kind) (streamer_alarms_wanted_ratio)",
                    "{{topic}} {{kind}}",
                )
            ],
            "Of late, by kind: 1 is what the budget has. Lines follow at the end of each epoch.",
        ),
        heatmap(
            "Anomaly scores",
            f"sum by (le) (increase(streamer_anomaly_score_bucket{{{GROUP}}}[$__rate_interval]))",
            "Scores of all readings, exported or not; above 1 is an anomaly.",
        ),
        graph(
            "Readings refused",
            [
                target(
                    f"sum by (group, reason) (rate(streamer_readings_rejected_total{{{GROUP}}}[$__rate_interval])) > 0",
                    "{{group}} {{reason}}",
                )
            ],
            "Readings a second, by reason. Their bytes are in the dead letters.",
        ),
        table(
            "Series longest above the line",
            f"topk(30, avg_over_time((streamer_series_anomaly_score_max{{{GROUP}}} > bool 1)[$__range:]))",
            "Share of the time shown here in which the peak of the last minute was above 1.",
        ),
    ]


def single_series() -> list[Panel]:
    """One series, chosen above, and why it is anomalous."""
    band = graph(
        "$series $channel",
        [
            target(f"streamer_series_forecast_upper{{{NEXT}}}", "upper"),
            target(f"streamer_series_forecast_lower{{{NEXT}}}", "lower"),
            target(f"streamer_series_forecast{{{NEXT}}}", "forecast"),
            target(f"streamer_series_value{{{CHANNEL}}}", "value"),
        ],
        "The value and the forecast that was made before it was seen, with its band.",
        width=24,
    )
    band["repeat"], band["repeatDirection"] = "channel", "v"
    band["fieldConfig"]["overrides"] = [
        override("upper", color=BLUE, lineWidth=0, fillBelowTo="lower", fillOpacity=18),
        override("lower", color=BLUE, lineWidth=0, fillOpacity=0),
        override("forecast", color=GREY, lineWidth=1, fillOpacity=0, lineStyle={"fill": "dash", "dash": [4, 4]}),
        override("value", color=BLUE, lineWidth=2, fillOpacity=0),
    ]
    score = graph(
        "Anomaly score",
        [
            target(f"streamer_series_anomaly_score{{{SERIES}}}", "{{series}}"),
            target(f"streamer_series_anomaly_score_max{{{SERIES}}}", "{{series}} peak of a minute"),
            target(f"streamer_series_novelty{{{SERIES}}}", "{{series}} novelty"),
        ],
        "1 is the line. Novelty, 0 to 1, has none.",
    )
    score["fieldConfig"]["defaults"]["thresholds"] = thresholds(1)
    score["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] = {"mode": "line"}
    return [
        band,
        score,
        timeline("Above the line", f"streamer_series_anomaly_score_max{{{SERIES}}} > bool 1", "{{series}}"),
    ]


def daemon() -> list[Panel]:
    """Whether the daemon keeps up, and what it costs."""
    phases = graph(
        "Where the time goes",
        [target("sum by (phase) (rate(streamer_batch_phase_duration_seconds_sum[$__rate_interval]))", "{{phase}}")],
        "Seconds a second in each phase of a batch; what is missing to 1 is idle.",
        unit="s",
    )
    phases["fieldConfig"]["defaults"]["custom"]["stacking"] = {"mode": "normal", "group": "A"}
    outside = f"sum by (group) (rate(streamer_channels_outside_band_total{{{GROUP}}}[5m]))"
    judged = f"sum by (group) (rate(streamer_channels_judged_total{{{GROUP}}}[5m]))"
    rejected = "sum without (reason) (streamer_readings_rejected_total)"
    accounted = f"streamer_readings_scored_total + {rejected} + streamer_readings_joined_total"
    arrived = "streamer_readings_read_total + streamer_readings_inherited - streamer_readings_held"
    quantile = "histogram_quantile({}, sum by (le) (rate(streamer_batch_readings_bucket[$__rate_interval])))"
    return [
        phases,
        graph("Lag", [target("streamer_lag_records", "{{topic}}/{{partition}}")], "Records behind the end."),
        graph(
            "Behind in event time",
            [target("time() - streamer_event_timestamp_seconds", "{{topic}}/{{partition}}")],
            "Between now and the highest event time read. Grows while a topic rests, too.",
            unit="s",
        ),
        graph(
            "Readings in a batch",
            [target(quantile.format("0.5"), "median"), target(quantile.format("0.99"), "99 %")],
            "Large batches mean that there is work to catch up with.",
        ),
        graph(
            "Records written",
            [target("sum by (topic) (rate(streamer_emitted_records_total[$__rate_interval]))", "{{topic}}")],
            "Records a second, by output topic.",
        ),
        graph(
            "Values inside their band",
            [
                target(f"1 - {outside} / {judged}", "{{group}}"),
                target(f"min by (group) (streamer_band_target_ratio{{{GROUP}}})", "{{group}} meant"),
            ],
            "A band that does not hold what it is meant to hold does not fit the series.",
            unit="percentunit",
        ),
        graph(
            "Readings not accounted for",
            [target(f"{arrived} - ({accounted})", "{{group}}")],
            "Read, and neither scored, refused, joined nor held back: what is under way. It returns to zero.",
        ),
        graph(
            "Series",
            [
                target(f"sum by (group) (streamer_series_warming{{{GROUP}}})", "{{group}} warming"),
                target("sum(streamer_exported_series)", "on the page"),
                target("sum(streamer_exported_series_limit)", "limit of the page"),
            ],
            "Series with little history of their own, and those that have rows of their own.",
        ),
        graph("Size of the state", [target("sum by (group) (streamer_state_bytes)", "{{group}}")], "", unit="bytes"),
        graph(
            "Processor",
            [target('rate(process_cpu_seconds_total{job="streamer"}[$__rate_interval])', "{{instance}}")],
            "Processor seconds a second.",
        ),
        graph(
            "Memory",
            [target('process_resident_memory_bytes{job="streamer"}', "{{instance}}")],
            "Resident memory of the process.",
            unit="bytes",
        ),
        graph(
            "Rebalances",
            [target("increase(streamer_rebalances_total[5m])", "{{instance}}")],
            "Changes of the partitions assigned, over five minutes.",
        ),
    ]


def variables() -> list[dict[str, Any]]:
    """What can be chosen above the panels."""
    datasource = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return [
        datasource,
        chosen("group", "label_values(streamer_series_live, group)", is_many=True),
        chosen("series", f"label_values(streamer_series_anomaly_score{{{GROUP}}}, series)", is_many=False),
        {**chosen("channel", f"label_values(streamer_series_value{{{SERIES}}}, channel)", is_many=True), "hide": 2},
    ]


def chosen(name: str, query: str, is_many: bool) -> dict[str, Any]:
    """One variable whose values Prometheus knows."""
    every = {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}} if is_many else {}
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": is_many,
        "includeAll": is_many,
        **every,
    }


def restarts() -> dict[str, Any]:
    """A mark on every graph where a process started."""
    return {
        "name": "Starts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": AMBER,
        "expr": 'process_start_time_seconds{job="streamer"} * 1000',
        "useValueForTime": "on",
        "titleFormat": "{{instance}} started",
    }


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))
