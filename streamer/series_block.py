"""Writes the rows of single series on the metrics page from an immutable snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Ahead, Float64, Int64
from streamer.number_text import WIDTH, number_text

CHANNEL_LABELS = ("group", "series", "channel")
FORECAST_LABELS = (*CHANNEL_LABELS, "horizon")  # the last one only where a group forecasts at more than one
SERIES_LABELS = ("group", "series")


@dataclass(frozen=True, slots=True)
class SeriesSnapshot:
    """The exported series of one group as they stand now. N series, C channels. Nobody changes the arrays any more.

    A pair of group and series occurs once among all the snapshots of a page: Prometheus refuses doubles.
    """

    group: str
    channels: tuple[str, ...]
    series: tuple[str, ...]
    value: Float64  # (N, C) NaN leaves the row out, here and below
    forecast: Float64  # (N, C)
    lower: Float64  # (N, C)
    upper: Float64  # (N, C)
    anomaly_score: Float64  # (N,) 1 is the line
    anomaly_score_max: Float64  # (N,) the peak of the last minute
    novelty: Float64  # (N,) 0 to 1
    ahead: Ahead | None = None  # (N, C, H) where the group forecasts further than the next reading

    def __len__(self) -> int:
        return len(self.series)


class Family(NamedTuple):
    """One metric of the block, the column of the snapshot it shows, and its labels."""

    name: str
    column: str
    labels: tuple[str, ...]
    description: str


FORECAST = "Forecast made before the newest value was seen; of a horizon beyond 1, of so many readings after it."
FAMILIES = (
    Family("streamer_series_value", "value", CHANNEL_LABELS, "Newest value, after the transform of its group."),
    Family("streamer_series_forecast", "forecast", FORECAST_LABELS, FORECAST),
    Family("streamer_series_forecast_lower", "lower", FORECAST_LABELS, "Lower edge of the forecast band."),
    Family("streamer_series_forecast_upper", "upper", FORECAST_LABELS, "Upper edge of the forecast band."),
    Family("streamer_series_anomaly_score", "anomaly_score", SERIES_LABELS, "Newest anomaly score; above 1: anomaly."),
    Family(
        "streamer_series_anomaly_score_max",
        "anomaly_score_max",
        SERIES_LABELS,
        "Peak of it in the last minute.",
    ),
    Family("streamer_series_novelty", "novelty", SERIES_LABELS, "How unlike what is usual, 0 to 1; it has no line."),
)


class SeriesBlock:
    """Writes page after page for one thread, and keeps what stands before the numbers while the series stay the same.

    The numbers cost numpy alone, so that a scrape does not hold up the loop that steps the tensors.
    """

    def __init__(self) -> None:
        self._kept: dict[_Place, _Lines] = {}

    def render(self, snapshots: Sequence[SeriesSnapshot], openmetrics: bool) -> bytes:
        """Write the rows of every snapshot as the last part of a page in the text format or OpenMetrics."""
        in_use: dict[_Place, _Lines] = {}
        parts = []
        for family in FAMILIES:
            heading = f"# HELP {family.name} {family.description}\n# TYPE {family.name} gauge\n".encode()
            rows = []
            for place, numbers in (part for snapshot in snapshots for part in _parts(family, snapshot)):
                in_use[place] = lines = self._kept.get(place) or _lines(place)
                rows.append(_filled(lines, numbers.reshape(-1)))
            parts += [heading, *rows] if any(rows) else []
        self._kept = in_use
        return b"".join(parts) + (b"# EOF\n" if openmetrics else b"")


class _Place(NamedTuple):
    """What the lines of one family and one snapshot depend on, beside the numbers."""

    name: str
    group: str
    series: tuple[str, ...]
    channels: tuple[str, ...] | None = None  # None where the family has one number a series
    horizon: int | None = None  # None where the group has but one


class _Lines(NamedTuple):
    """R complete lines with room for their numbers."""

    text: NDArray[np.uint8]  # all lines in one
    number_at: Int64  # (R,) where the number of a line begins
    width: Int64  # (R,) bytes of a line with its end


def _parts(family: Family, snapshot: SeriesSnapshot) -> Iterator[tuple[_Place, Float64]]:
    """The numbers of one family and one snapshot, those of each horizon by themselves."""
    first = _Place(family.name, snapshot.group, snapshot.series)
    if family.labels != SERIES_LABELS:
        first = first._replace(channels=snapshot.channels)
    ahead = snapshot.ahead if family.labels == FORECAST_LABELS else None
    yield first._replace(horizon=1 if ahead else None), getattr(snapshot, family.column)
    if ahead:
        for place, horizon in enumerate(ahead.horizons):
            yield first._replace(horizon=horizon), getattr(ahead, family.column)[..., place]


def _lines(place: _Place) -> _Lines:
    start = f'{place.name}{{group="{_escape(place.group)}",series="'
    last = '"} ' if place.horizon is None else f'",horizon="{place.horizon}"}} '
    ends = [last] if place.channels is None else [f'",channel="{_escape(name)}{last}' for name in place.channels]
    names = [_escape(one) for one in place.series]
    room = "0" * WIDTH + "\n"
    lines = [f"{start}{one}{end}{room}".encode() for one in names for end in ends]
    width = np.array([len(line) for line in lines], dtype=np.int64)
    return _Lines(np.frombuffer(b"".join(lines), dtype=np.uint8), np.cumsum(width) - len(room), width)


def _filled(lines: _Lines, numbers: Float64) -> bytes:
    """Write the numbers (R,) into a copy of their lines, and leave out the lines that have none."""
    is_there = ~np.isnan(numbers)
    page = lines.text.copy()
    places: NDArray[np.void] = np.ndarray(max(len(page) - WIDTH + 1, 0), f"V{WIDTH}", page, strides=(1,))
    places[lines.number_at[is_there]] = number_text(numbers[is_there])
    if not is_there.all():
        page = page[np.repeat(is_there, lines.width)]
    return page.tobytes()


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
