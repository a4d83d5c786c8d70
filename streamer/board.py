"""The board: what of the series is shown to people, refreshed by the engine and read by anybody."""

from collections.abc import Iterable, Sequence

import numpy as np

from connectors.columns import Int64, Results, TopicPartition
from streamer.group import Group
from streamer.metrics import Metrics
from streamer.newest import Fleet
from streamer.series_block import SeriesSnapshot
from streamer.series_rows import PADDING_ROW
from streamer.watchlist import Watchlist

REFRESH_SECONDS = 1.0
_FIRST_ROW = PADDING_ROW + 1  # the watchlist counts series from 0


class Board:
    """Holds an immutable snapshot that the engine's thread swaps in: neither waits for the other."""

    def __init__(self, watchlist: Watchlist, series_limit: int, metrics: Metrics) -> None:
        self.snapshots: Sequence[SeriesSnapshot] = ()
        self._watchlist = watchlist
        self._series_limit = series_limit
        self._metrics = metrics
        self._discovered: dict[tuple[str, TopicPartition], int] = {}
        self._names: dict[tuple[str, TopicPartition], tuple[Int64, tuple[str, ...]]] = {}
        self._refreshed_at = float("-inf")

    def note(self, group: Group, where: TopicPartition, results: Iterable[Results], now: float) -> None:
        """Let the watchlist know which series are new in this partition and which are anomalous now."""
        table, series = (group.name, where), group.partitions[where].series
        known = self._discovered.get(table, 0)
        if len(series) > known:
            self._watchlist.discover(table, series.names(np.arange(known, len(series)) + _FIRST_ROW))
            self._discovered[table] = len(series)
        for result in results:
            if result.is_anomalous.any():
                anomalous = np.unique(series.of(result.readings.series[result.is_anomalous]))
                self._watchlist.admit(table, anomalous - _FIRST_ROW, now)

    def forget(self, group: Group, where: TopicPartition) -> None:
        """Take the series of a partition that left us off the board."""
        self._watchlist.forget((group.name, where))
        self._discovered.pop((group.name, where), None)
        self._names.pop((group.name, where), None)

    def refresh(self, groups: Iterable[Group], now: float) -> None:
        """Swap in a new snapshot, once a second at most, and bring the gauges of the fleet up to date."""
        if now - self._refreshed_at < REFRESH_SECONDS:
            return
        self._refreshed_at = now
        snapshots = []
        for group in groups:
            fleets = []
            size_bytes = 0
            for where, partition in group.partitions.items():
                fleets.append(group.newest[where].fleet(partition.series.height))
                size_bytes += partition.table.size_bytes
                snapshots.append(self._snapshot(group, where))
            self._tell(group, fleets, size_bytes)
        self.snapshots = snapshots
        shown = sum(map(len, snapshots))
        self._metrics.exported(shown, self._series_limit, self._watchlist.admitted, self._watchlist.refused)

    def _snapshot(self, group: Group, where: TopicPartition) -> SeriesSnapshot:
        """The rows to show. A series that was seen in another partition first is shown there alone."""
        table = (group.name, where)
        watched = self._watchlist.rows(table)
        shown, names = self._names.get(table, (None, ()))
        if shown is None or not np.array_equal(watched, shown):
            names = tuple(group.partitions[where].series.names(watched + _FIRST_ROW))
            self._names[table] = (watched, names)
        if group.splits:
            at_home = np.array([group.homes.get(name, where) == where for name in names], dtype=bool)
            watched, names = watched[at_home], tuple(np.array(names, dtype=object)[at_home])
        return group.newest[where].snapshot(names, watched + _FIRST_ROW)

    def _tell(self, group: Group, fleets: Sequence[Fleet], size_bytes: int) -> None:
        live = sum(fleet.live for fleet in fleets)
        self._metrics.fleet(
            group.name,
            live=live,
            warming=sum(fleet.warming for fleet in fleets),
            anomalous=sum(fleet.anomalous for fleet in fleets),
        )
        self._metrics.table(group.name, live, size_bytes)
