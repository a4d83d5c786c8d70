"""The report of a backtest: one HTML page that needs nothing else, with a picture of every series."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from connectors.columns import Bool, Float64, Int64
from connectors.errors import ConfigError
from streamer.backtest.accuracy import Accuracy
from streamer.backtest.recorder import History
from streamer.backtest.table import HEADINGS, table
from streamer.backtest.volume import runs

MOST_SERIES = 24  # with a picture: those with most alarms
MOST_CHANNELS = 4  # of a picture: those that left their band most often
MOST_POINTS = 4000  # of a line: of every stretch the extremes are kept
COLOURS = {"spike": "#c0392b", "change": "#8e44ad", "silence": "#7f8c8d"}
EVENT, BAND, VALUE, FORECAST = "rgba(230,126,34,.18)", "rgba(52,152,219,.22)", "#2c3e50", "#3498db"

Measured = tuple[History, Accuracy, Bool]  # with the labels


def write(path: Path, title: str, measured: Sequence[Measured], is_labelled: bool) -> None:
    """Write the page.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        path.write_text(page(title, measured, is_labelled), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--report: Expected a file that can be written, got: {error}") from error


def page(title: str, measured: Sequence[Measured], is_labelled: bool) -> str:
    """The whole page."""
    loudest = sorted(range(len(measured)), key=lambda place: -measured[place][1].alarms.total())[:MOST_SERIES]
    pictures = [
        picture(history, labels).to_html(full_html=False, include_plotlyjs=False, div_id=f"series-{place}")
        for place in sorted(loudest)
        for history, _, labels in (measured[place],)
    ]
    left_out = len(measured) - len(pictures)
    note = f"<p>{left_out} series with fewer alarms have no picture.</p>" if left_out else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><script>{get_plotlyjs()}</script></head><body><h1>{escape(title)}</h1>"
        f"{_rows(measured, is_labelled)}{note}{''.join(pictures)}</body></html>\n"
    )


def picture(history: History, labels: Bool) -> Any:
    """One series: values with their bands, the score with its line, the novelty, alarms and labelled windows."""
    channels = _chosen(history)
    rows = [*(history.channels[channel] for channel in channels), "anomaly score", "novelty"]
    figure = make_subplots(rows=len(rows), shared_xaxes=True, vertical_spacing=0.03)
    kept = _extremes(history, channels)
    at = history.timestamp[kept].astype("datetime64[ns]")
    for row, channel in enumerate(channels, start=1):
        value, forecast, lower, upper = (
            column[kept, channel] for column in (history.value, history.forecast, history.lower, history.upper)
        )
        quiet = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
        figure.add_trace(go.Scatter(x=at, y=upper, line={"width": 0}, **quiet), row, 1)
        figure.add_trace(go.Scatter(x=at, y=lower, line={"width": 0}, fill="tonexty", fillcolor=BAND, **quiet), row, 1)
        figure.add_trace(_line(at, forecast, FORECAST, "expected"), row, 1)
        figure.add_trace(_line(at, value, VALUE, "value"), row, 1)
    for row, column in ((len(rows) - 1, history.anomaly_score), (len(rows), history.novelty)):
        figure.add_trace(_line(at, column[kept], VALUE, rows[row - 1]), row, 1)
    figure.add_hline(y=1, line={"color": COLOURS["spike"], "dash": "dot", "width": 1}, row=len(rows) - 1, col=1)
    for row, name in enumerate(rows, start=1):
        figure.update_yaxes(title_text=name, row=row, col=1)
    figure.update_layout(
        title=f"{history.group}: {history.series}",
        height=120 + 130 * len(rows),
        template="plotly_white",
        showlegend=False,
        shapes=[*figure.layout.shapes, *_events(history, labels), *_alarms(history)],
    )
    return figure


def _line(at: NDArray[np.datetime64], values: Float64, colour: str, name: str) -> Any:
    return go.Scatter(x=at, y=values, mode="lines", line={"color": colour, "width": 1}, name=name)


def _events(history: History, labels: Bool) -> list[dict[str, Any]]:
    """The labelled windows, behind everything."""
    where = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return [
        {**where, "x0": _instant(history.timestamp[start]), "x1": _instant(history.timestamp[end]), "fillcolor": EVENT}
        | {"line": {"color": EVENT, "width": 1}}
        for start, end in runs(labels)
    ]


def _alarms(history: History) -> list[dict[str, Any]]:
    """A line where each alarm opened, in the colour of its kind."""
    return [
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": _instant(opening.timestamp)}
        | {"x1": _instant(opening.timestamp), "line": {"color": COLOURS.get(opening.kind, VALUE), "width": 1}}
        for opening in history.openings
    ]


def _instant(timestamp_ns: int) -> str:
    return str(np.datetime64(int(timestamp_ns), "ns"))


def _chosen(history: History) -> list[int]:
    """The channels that are drawn, in order."""
    with np.errstate(invalid="ignore"):
        is_out = (history.value < history.lower) | (history.value > history.upper)
    return sorted(np.argsort(-is_out.sum(0), kind="stable")[:MOST_CHANNELS].tolist())


def _extremes(history: History, channels: Sequence[int]) -> Int64:
    """The readings that are drawn: all, or of every stretch those with the highest and the lowest of any line."""
    count = len(history)
    lines = [history.anomaly_score, history.novelty, *(history.value[:, channel] for channel in channels)]
    stretches = np.array_split(np.arange(count), max(1, MOST_POINTS // (2 * len(lines))))
    if count <= MOST_POINTS:
        return np.arange(count)
    known = [np.nan_to_num(line) for line in lines]
    kept = {0, count - 1}
    for stretch in stretches:
        for line in known:
            kept |= {int(stretch[line[stretch].argmax()]), int(stretch[line[stretch].argmin()])}
    return np.array(sorted(kept))


def _rows(measured: Sequence[Measured], is_labelled: bool) -> str:
    """The table of the terminal, as HTML."""
    shown = table([(history, accuracy) for history, accuracy, _ in measured], is_labelled)
    cells = [[escape(str(cell)) for cell in column.cells] for column in shown.columns]
    head = "".join(f"<th>{escape(name)}</th>" for name in HEADINGS[: len(cells)])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in zip(*cells, strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#2c3e50}"
    "table{border-collapse:collapse;margin-bottom:2em}th,td{padding:.25em .8em;text-align:right;white-space:nowrap}"
    "th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}tbody tr:last-child{font-weight:bold;border-top:1px solid}"
)
