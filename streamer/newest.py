"""The newest result of every series of one partition, for people to look at. No score depends on it."""

from dataclasses import dataclass

import numpy as np

from connectors.columns import BEGINNING, Ahead, Int64, Results
from streamer.series_block import SeriesSnapshot
from streamer.series_rows import PADDING_ROW, HostColumns

PEAK_SECONDS = 60.0
AHEAD = ("forecast", "lower", "upper")


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many series of a partition there are, and how many of them are new or in alarm."""

    live: int
    warming: int
    anomalous: int


class Newest:
    """One row a series, as in the state table it belongs to."""

    def __init__(self, group: str, channels: tuple[str, ...], now: float) -> None:
        self._group = group
        self._channels = channels
        per_channel = np.full(len(channels), np.nan)
        score, flag = np.zeros((), np.float64), np.zeros((), np.bool_)
        self._columns = HostColumns(
            {
                **dict.fromkeys(("value", "forecast", "lower", "upper"), per_channel),
                **dict.fromkeys(("anomaly_score", "peak", "peak_before", "novelty"), score),
                **dict.fromkeys(("is_anomalous", "warming"), flag),
                "timestamp": np.zeros((), np.int64),
            }
        )
        self._ahead = self._look_to(())
        self._rotated_at = now

    def update(self, results: Results, rows: Int64, now: float) -> None:
        """Take in results in offset order: where a series occurs more than once, its last one stays."""
        columns = self._columns
        columns.ensure(int(rows.max()) + 1)
        for name in ("value", "forecast", "lower", "upper", "anomaly_score", "novelty", "is_anomalous", "warming"):
            columns[name][rows] = getattr(results, name)
        columns["timestamp"][rows] = results.readings.timestamp
        self._update_ahead(results.ahead, rows)
        if now - self._rotated_at >= PEAK_SECONDS:
            columns["peak_before"][:] = columns["peak"]
            columns["peak"][:] = 0
            self._rotated_at = now
        np.maximum.at(columns["peak"], rows, results.anomaly_score)

    def reset(self, rows: Int64) -> None:
        """Forget what stands in the rows of series that were evicted."""
        for columns in (self._columns, self._ahead):
            columns.ensure(int(rows.max()) + 1)
            columns.reset(rows)

    def fleet(self, series: int, live_from: int = BEGINNING) -> Fleet:
        """Count what is known of these many series, those that nothing came of yet among them.

        A series whose newest result is older than ``live_from`` (ns, event time) is history, and in no alarm of today.
        """
        first = PADDING_ROW + 1
        is_anomalous = self._columns["is_anomalous"][first:] & (self._columns["timestamp"][first:] >= live_from)
        return Fleet(
            live=series,
            warming=int(np.count_nonzero(self._columns["warming"][first:])),
            anomalous=int(np.count_nonzero(is_anomalous)),
        )

    def snapshot(self, series: tuple[str, ...], rows: Int64) -> SeriesSnapshot:
        """Copy these rows. ``series`` are their names."""
        columns, ahead = self._columns, self._ahead
        for one in (columns, ahead):
            one.ensure(int(rows.max(initial=PADDING_ROW)) + 1)
        return SeriesSnapshot(
            group=self._group,
            channels=self._channels,
            series=series,
            value=columns["value"][rows],
            forecast=columns["forecast"][rows],
            lower=columns["lower"][rows],
            upper=columns["upper"][rows],
            anomaly_score=columns["anomaly_score"][rows],
            anomaly_score_max=np.maximum(columns["peak"][rows], columns["peak_before"][rows]),
            novelty=columns["novelty"][rows],
            ahead=Ahead(self._horizons, *(ahead[name][rows] for name in AHEAD)) if self._horizons else None,
        )

    def _update_ahead(self, ahead: Ahead | None, rows: Int64) -> None:
        horizons = ahead.horizons if ahead else ()
        if horizons != self._horizons:
            self._ahead = self._look_to(horizons)
        if ahead:
            self._ahead.ensure(int(rows.max()) + 1)
            for name in AHEAD:
                self._ahead[name][rows] = getattr(ahead, name)

    def _look_to(self, horizons: tuple[int, ...]) -> HostColumns:
        """Columns for what is expected at these horizons; those of others mean nothing any more."""
        self._horizons = horizons
        return HostColumns(dict.fromkeys(AHEAD, np.full((len(self._channels), len(horizons)), np.nan)))
