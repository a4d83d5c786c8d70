"""Draws docs/pictures/water-flow.svg: what the demo says of a pipeline with four known incidents."""

import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.columns import Alarms, Results
from connectors.memory import MemorySink
from connectors.replay import ReplaySource
from streamer import config as configuration
from streamer.demo.data import write
from streamer.demo.synthetic import Fleet
from streamer.wiring import assemble, in_memory, make_groups, make_metrics

PICTURE = Path(__file__).parent / "pictures" / "water-flow.svg"
TOPIC = "water-flow"
# First and last reading of the four segments that river describes: three of low flow, the third one a little pumping.
INCIDENTS = ((92, 110), (209, 224), (327, 329), (871, 888))

WIDTH, LEFT, RIGHT = 960, 56, 944
FLOW_TOP, FLOW_BOTTOM = 64, 284
SCORE_TOP, SCORE_BOTTOM = 326, 426
HEIGHT = 466
FLOW_RANGE, SCORE_RANGE = (15.0, 125.0), (0.0, 5.0)
HOUR_NS = 3_600_000_000_000
LONGEST_STEP_NS = 6 * HOUR_NS  # a longer one is a gap of the data, and of the lines

STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#4b5563}
.title{font-size:15px;font-weight:600;fill:#1f2937}
.grid{stroke:#e5e7eb}.incident{fill:#fbe3c8}.band{fill:#c9dcf2}
.flow{fill:none;stroke:#1f4e8c;stroke-width:1.1}.score{fill:none;stroke:#4b5563;stroke-width:1}
.line{stroke:#b42318;stroke-dasharray:5 4}.alarm{fill:#b42318}
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the pipeline said of every reading of the water's flow, and the alarms that opened."""

    reading: NDArray[np.int64]  # (N,) number of the reading, from 0
    timestamp: NDArray[np.int64]  # (N,) ns
    value: NDArray[np.float64]  # (N,) as are those below
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    score: NDArray[np.float64]
    opened: NDArray[np.int64]  # (A,) readings at which an alarm opened


def judge(cell: str = "gru") -> Judged:
    """Run the demo's group of the water's flow through the daemon, by the demo's configuration."""
    with tempfile.TemporaryDirectory(prefix="streamer-picture-") as folder:
        write(Path(folder), Fleet(start_ns=0), ticks=0)
        demo = resources.files("streamer.demo") / "demo.yaml"
        config = configuration.load(str(demo), {"DATA": folder, "CELL": cell, "PORT": "0"})
        if not isinstance(config.source, configuration.ReplaySource):
            raise TypeError(f"{demo}: Expected a replay source")
        files = [file for file in config.source.files if file.topic == TOPIC]
        config = msgspec.structs.replace(
            config,
            source=configuration.ReplaySource(files=files),
            groups=[group for group in config.groups if group.holds(TOPIC)],
        )
        metrics, sink = make_metrics(config), MemorySink()
        groups = make_groups(config, metrics, time.monotonic)
        with assemble(config, in_memory(ReplaySource(files), sink), groups, metrics) as daemon:
            daemon.turn_until(lambda: daemon.has_ended)
    return _joined(sink)


def _joined(sink: MemorySink) -> Judged:
    results = [columns for columns in sink.durable if isinstance(columns, Results)]
    alarms = [columns for columns in sink.durable if isinstance(columns, Alarms)]
    opened = [
        int(offset)
        for columns in alarms
        for offset, event in zip(columns.results.readings.offset, columns.event, strict=True)
        if event == "opened"
    ]
    return Judged(
        reading=np.concatenate([result.readings.offset for result in results]),
        timestamp=np.concatenate([result.readings.timestamp for result in results]),
        value=np.concatenate([result.value[:, 0] for result in results]),
        lower=np.concatenate([result.lower[:, 0] for result in results]),
        upper=np.concatenate([result.upper[:, 0] for result in results]),
        score=np.concatenate([result.anomaly_score for result in results]),
        opened=np.array(opened, dtype=np.int64),
    )


class Axes:
    """Where a time, a flow and a score lie in the picture."""

    def __init__(self, timestamp: NDArray[np.int64]) -> None:
        self._first, self._last = int(timestamp[0]), int(timestamp[-1])

    def x(self, timestamp: NDArray[np.int64]) -> NDArray[np.float64]:
        """timestamp: (N,) ns -> (N,)."""
        return LEFT + (timestamp - self._first) / (self._last - self._first) * (RIGHT - LEFT)

    @staticmethod
    def flow(value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Litres a second, held inside the panel. (N,) -> (N,)."""
        return _scaled(value, FLOW_RANGE, FLOW_TOP, FLOW_BOTTOM)

    @staticmethod
    def score(value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Anomaly scores, held inside the panel. (N,) -> (N,)."""
        return _scaled(value, SCORE_RANGE, SCORE_TOP, SCORE_BOTTOM)

    def weeks(self) -> NDArray[np.int64]:
        """The Mondays within, ns."""
        monday = (
            np.arange("1970-01-05", "2100-01-01", 7, dtype="datetime64[D]").astype("datetime64[ns]").astype(np.int64)
        )
        return monday[(monday >= self._first) & (monday <= self._last)]


def draw(judged: Judged) -> str:
    """The picture as SVG."""
    axes = Axes(judged.timestamp)
    x, flow, score = axes.x(judged.timestamp), axes.flow(judged.value), axes.score(judged.score)
    spans = _spans(judged.timestamp)
    alarms = axes.x(judged.timestamp[np.isin(judged.reading, judged.opened)])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t">',
        '<title id="t">Water flow with its forecast band, the alarms that opened, and the anomaly score</title>',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>',
        *_legend(),
        *_incidents(judged, axes),
        *_grid(axes),
        *(_band(x[span], axes.flow(judged.lower[span]), axes.flow(judged.upper[span])) for span in spans),
        *(f'<polyline class="flow" points="{_points(x[span], flow[span])}"/>' for span in spans),
        *(f'<path class="alarm" d="M{at:.1f} {FLOW_TOP + 12}l-5 -9h10z"/>' for at in alarms),
        *(f'<polyline class="score" points="{_points(x[span], score[span])}"/>' for span in spans),
        *_line(axes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _spans(timestamp: NDArray[np.int64]) -> list[slice]:
    """The data between its gaps."""
    ends = [0, *(np.flatnonzero(np.diff(timestamp) > LONGEST_STEP_NS) + 1).tolist(), len(timestamp)]
    return [slice(first, last) for first, last in pairwise(ends)]


def _band(x: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> str:
    """The area between two lines, where they are known. (N,) each."""
    known = ~np.isnan(lower)
    around = np.concatenate((x[known], x[known][::-1])), np.concatenate((upper[known], lower[known][::-1]))
    return f'<polygon class="band" points="{_points(*around)}"/>'


def _legend() -> list[str]:
    return [
        f'<text class="title" x="{LEFT}" y="28">Flow of a pipeline, litres a second</text>',
        f'<text class="title" x="{LEFT}" y="{SCORE_TOP - 12}">Anomaly score</text>',
        '<rect class="incident" x="372" y="18" width="14" height="12"/><text x="392" y="28">documented incident</text>',
        '<rect class="band" x="540" y="18" width="14" height="12"/><text x="560" y="28">forecast band, 99 %</text>',
        '<path class="flow" d="M704 24h16"/><text x="726" y="28">reading</text>',
        '<path class="alarm" d="M804 29l-5 -9h10z"/><text x="815" y="28">alarm opened</text>',
    ]


def _incidents(judged: Judged, axes: Axes) -> list[str]:
    """A column behind each incident, as wide as it lasted."""
    columns = []
    for first, last in INCIDENTS:
        within = judged.timestamp[(judged.reading >= first) & (judged.reading <= last)]
        left, right = axes.x(np.array([within[0] - HOUR_NS, within[-1] + HOUR_NS])).tolist()
        for top, bottom in ((FLOW_TOP, FLOW_BOTTOM), (SCORE_TOP, SCORE_BOTTOM)):
            place = f'x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{bottom - top}"'
            columns.append(f'<rect class="incident" {place}/>')
    return columns


def _grid(axes: Axes) -> list[str]:
    grid = []
    flows, scores = np.array([25.0, 50.0, 75.0, 100.0]), np.array([0.0, 1.0, 3.0, 5.0])
    for ticks, heights in ((flows, axes.flow(flows)), (scores, axes.score(scores))):
        for tick, y in zip(ticks.tolist(), heights.tolist(), strict=True):
            grid.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
            grid.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for week in axes.weeks():
        x = float(axes.x(week))
        day = np.datetime64(int(week), "ns").astype("datetime64[D]").item()
        grid.append(f'<text x="{x:.1f}" y="{SCORE_BOTTOM + 22}" text-anchor="middle">{day:%-d %b}</text>')
    return grid


def _line(axes: Axes) -> list[str]:
    y = float(axes.score(np.array(1.0)))
    return [
        f'<path class="line" d="M{LEFT} {y:.1f}H{RIGHT}"/>',
        f'<text x="{RIGHT - 4}" y="{y - 5:.1f}" text-anchor="end">1 is the line</text>',
    ]


def _scaled(value: NDArray[np.float64], limits: tuple[float, float], top: float, bottom: float) -> NDArray[np.float64]:
    low, high = limits
    return bottom - (np.clip(value, low, high) - low) / (high - low) * (bottom - top)


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(judge()), encoding="utf-8")
    print(f"written: {PICTURE}")
