"""The table of a backtest, for people: a row a series, and one for all."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from streamer.backtest.accuracy import Accuracy
from streamer.backtest.recorder import History

HEADINGS = (
    "group", "series", "readings", "alarms", "alarms\na day", "events\nfound", "false\nalarms", "delay,\nreadings",
    "VUS-PR", "AUC-PR", "best F1",
)  # fmt: skip
MOST_ROWS = 50  # above it the table shows the series with the most alarms


def table(measured: Sequence[tuple[History, Accuracy]], is_labelled: bool) -> Table:
    """A row a series in order, and the total. Without labels there is nothing to be right or wrong about."""
    shown = Table(*HEADINGS[: None if is_labelled else 5], box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in shown.columns[2:]:
        column.justify = "right"
    kept = _loudest(measured)
    for history, accuracy in kept:
        shown.add_row(history.group, history.series, *_cells(accuracy, is_labelled))
    shown.add_section()
    left_out = f", {len(measured) - len(kept)} not shown" if len(kept) < len(measured) else ""
    total = Accuracy.together([accuracy for _, accuracy in measured])
    shown.add_row("all", f"{len(measured)} series{left_out}", *_cells(total, is_labelled), style="bold")
    return shown


def _loudest(measured: Sequence[tuple[History, Accuracy]]) -> list[tuple[History, Accuracy]]:
    by_alarms = sorted(range(len(measured)), key=lambda place: -measured[place][1].alarms.total())
    return [measured[place] for place in sorted(by_alarms[:MOST_ROWS])]


def _cells(one: Accuracy, is_labelled: bool) -> list[str]:
    findings = one.findings
    cells = [f"{findings.readings:,}", _kinds(one.alarms), _number(one.alarms_per_day, ".3g")]
    if is_labelled:
        cells += [
            f"{findings.found} of {findings.events}",
            str(findings.false_alarms),
            _number(findings.delay, "g"),
            *(_number(value, ".3f") for value in (one.vus_pr, one.auc_pr, one.best_f1)),
        ]
    return cells


def _kinds(alarms: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(alarms.items())) or "0"


def _number(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)
