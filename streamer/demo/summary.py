"""What a finished run has seen, series by series, as a table for people."""

from dataclasses import dataclass, field

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from typing_extensions import override

from connectors.columns import Alarms, Results
from connectors.ports import Columns
from streamer.discard import DiscardSink

SHOWN_TIMES = 8


@dataclass(slots=True)
class Seen:
    """One series so far."""

    readings: int = 0
    anomalies: int = 0  # readings above the line
    worst_score: float = 0.0
    opened: list[int] = field(default_factory=list)  # event times of alarms, ns


class Summary(DiscardSink):
    """A sink that keeps no reading, only what is worth telling of each series."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], Seen] = {}

    @override
    def write(self, columns: Columns) -> None:
        if isinstance(columns, Results):
            self._see(columns)
        elif isinstance(columns, Alarms):
            readings = columns.results.readings
            for position, event in enumerate(columns.event):
                if event == "opened":
                    self._of(readings.group, readings.series[position]).opened.append(int(readings.timestamp[position]))

    def table(self, folded: str) -> Table:
        """A row a series; the series of the group ``folded`` share one."""
        headings = ("group", "series", "readings", "anomalies", "alarms", "worst\nscore", "opened at\n(event time)")
        table = Table(*headings, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
        for column in table.columns[2:6]:
            column.justify = "right"
        for (group, series), seen in self.series.items():
            if group != folded:
                table.add_row(group, series, *_figures(seen), _times(seen))
        members = [seen for (group, _), seen in self.series.items() if group == folded]
        if members:
            table.add_row(folded, f"{len(members)} series", *_figures(_together(members)))
        return table

    def _see(self, results: Results) -> None:
        readings = results.readings
        names, which = np.unique(readings.series.astype(str), return_inverse=True)
        for number, name in enumerate(names.tolist()):
            positions = np.flatnonzero(which == number)
            scores = results.anomaly_score[positions]
            seen = self._of(readings.group, name)
            seen.readings += len(positions)
            seen.anomalies += int(np.count_nonzero(scores > 1))
            seen.worst_score = max(seen.worst_score, float(scores.max()))

    def _of(self, group: str, series: str) -> Seen:
        return self.series.setdefault((group, str(series)), Seen())


def _together(members: list[Seen]) -> Seen:
    worst = max(members, key=lambda seen: seen.worst_score)
    return Seen(
        sum(seen.readings for seen in members),
        sum(seen.anomalies for seen in members),
        worst.worst_score,
        sorted(timestamp for seen in members for timestamp in seen.opened),
    )


def _figures(seen: Seen) -> list[str]:
    return [f"{seen.readings:,}", str(seen.anomalies), str(len(seen.opened)), f"{seen.worst_score:.2f}"]


def _times(seen: Seen) -> str:
    shown = [_instant(timestamp) for timestamp in seen.opened[:SHOWN_TIMES]]
    more = len(seen.opened) - len(shown)
    return "\n".join(shown) + (f"\nand {more} more" if more else "")


def _instant(timestamp_ns: int) -> str:
    """Date and minute; the date alone at midnight."""
    text = str(np.datetime64(timestamp_ns, "ns").astype("datetime64[m]")).replace("T", " ")
    return text.removesuffix(" 00:00")
