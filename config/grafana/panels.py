"""Builds single Grafana panels as its JSON model has them."""

from typing import Any

Panel = dict[str, Any]
Target = dict[str, Any]

GRID_WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RED, AMBER, BLUE, GREY = "#cf3f3a", "#d99a2b", "#2f6fb3", "#8d97a1"


def target(expr: str, legend: str = "", **options: Any) -> Target:
    """One query of a panel."""
    return {"datasource": DATASOURCE, "expr": expr, "legendFormat": legend, **options}


def panel(kind: str, title: str, targets: list[Target], text: str, size: tuple[int, int], unit: str = "short") -> Panel:
    """What panels of every kind have in common. The size is width and height in units of the grid."""
    lettered = [{**one, "refId": chr(ord("A") + place)} for place, one in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": text,
        "datasource": DATASOURCE,
        "targets": lettered,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": {"unit": unit, "custom": {}}, "overrides": []},
        "options": {},
    }


def graph(title: str, targets: list[Target], text: str, unit: str = "short", width: int = 12) -> Panel:
    """Lines over time."""
    built = panel("timeseries", title, targets, text, (width, 8), unit)
    built["fieldConfig"]["defaults"]["custom"] = {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    built["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return built


def stat(title: str, expr: str, text: str, alert: float | None = None) -> Panel:
    """One number, red from ``alert`` on."""
    built = panel("stat", title, [target(expr)], text, (6, 4))
    built["fieldConfig"]["defaults"]["thresholds"] = thresholds(alert)
    built["options"] = {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return built


def heatmap(title: str, expr: str, text: str) -> Panel:
    """The buckets of a histogram over time."""
    built = panel("heatmap", title, [target(expr, "{{le}}", format="heatmap")], text, (12, 8))
    built["options"] = {"calculate": False, "color": {"scheme": "Blues", "mode": "scheme"}, "yAxis": {"unit": "short"}}
    return built


def table(title: str, expr: str, text: str) -> Panel:
    """One row a series, the largest first."""
    built = panel("table", title, [target(expr, format="table", instant=True)], text, (24, 8), "percentunit")
    hidden = {"Time": True, "job": True, "instance": True}
    organize = {"excludeByName": hidden, "renameByName": {"Value": "share of the time"}}
    built["transformations"] = [{"id": "organize", "options": organize}]
    built["options"] = {"sortBy": [{"displayName": "share of the time", "desc": True}]}
    return built


def timeline(title: str, expr: str, legend: str) -> Panel:
    """When something was so."""
    built = panel("state-timeline", title, [target(expr, legend)], "", (12, 8))
    states = {"0": {"text": "calm", "color": GREY}, "1": {"text": "anomalous", "color": RED}}
    built["fieldConfig"]["defaults"]["mappings"] = [{"type": "value", "options": states}]
    built["options"] = {"showValue": "never", "mergeValues": True}
    return built


def thresholds(alert: float | None) -> dict[str, Any]:
    """Colours of a number: red from ``alert`` on."""
    steps: list[dict[str, Any]] = [{"color": BLUE, "value": None}]
    return {"mode": "absolute", "steps": steps if alert is None else [*steps, {"color": RED, "value": alert}]}


def override(name: str, color: str, **custom: Any) -> dict[str, Any]:
    """The look of one line of a graph, by its legend."""
    looks = [{"id": f"custom.{key}", "value": value} for key, value in custom.items()]
    fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}
    return {"matcher": {"id": "byName", "options": name}, "properties": [fixed, *looks]}


def placed(rows: dict[str, list[Panel]]) -> list[Panel]:
    """Number the panels and put them on the grid, row below row, from left to right."""
    flat: list[Panel] = []
    x = y = height = 0
    for title, panels in rows.items():
        for one in [{"type": "row", "title": title, "collapsed": False, "gridPos": {"w": GRID_WIDTH, "h": 1}}, *panels]:
            size = one["gridPos"]
            if x + size["w"] > GRID_WIDTH or one["type"] == "row":
                x, y, height = 0, y + height, 0
            flat.append({"id": len(flat) + 1, **one, "gridPos": {**size, "x": x, "y": y}})
            x, height = x + size["w"], max(height, size["h"])
    return flat
