"""The board: what of the series is shown to people, refreshed by the engine and read by anybody."""

from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np

from connectors.columns import Results, TopicPartition
from streamer.group import Group
from streamer.metrics import Metrics
from streamer.series_block import SeriesSnapshot
from streamer.watchlist import Watchlist, WatchPolicy

REFRESH_SECONDS = 1.0


class Board:
    """Holds an immutable snapshot that the engine's thread swaps in: neither waits for the other."""

    def __init__(self, watchlist: Watchlist, series_limit: int, metrics: Metrics) -> None:
        self.snapshots: Sequence[SeriesSnapshot] = ()
        self._watchlist = watchlist
        self._series_limit = series_limit
        self._metrics = metrics
        self._refreshed_at = float("-inf")

    def note(self, group: Group, where: TopicPartition, results: Iterable[Results], now: float) -> None:
        """Let the watchlist know which series came and went in this partition, and which are anomalous now."""
        self._count(group, where)
        series = group.partitions[where].series
        for result in results:
            if result.is_anomalous.any():
                anomalous = dict.fromkeys(result.readings.series[result.is_anomalous].tolist())
                self._watchlist.admit((group.name, where), [name for name in anomalous if name in series], now)

    def forget(self, group: Group, where: TopicPartition) -> None:
        """Take the series of a partition that left us off the board."""
        self._watchlist.forget((group.name, where))

    def adopt(self, policy: WatchPolicy, groups: Iterable[Group]) -> None:
        """Show by another policy from the next refresh on."""
        ours = {(group.name, where): one.series for group in groups for where, one in group.partitions.items()}
        self._watchlist.adopt(policy, {table: series.names(series.live()) for table, series in ours.items()})
        self._series_limit = policy.limit

    def refresh(self, groups: Sequence[Group], now: float) -> None:
        """Swap in a new snapshot, once a second at most, and bring the gauges of the fleet up to date."""
        if now - self._refreshed_at < REFRESH_SECONDS:
            return
        self._refreshed_at = now
        ours = [(group, where) for group in groups for where in group.partitions]
        for group, where in ours:
            self._count(group, where)  # all before any: how many there are decides who is shown
        self.snapshots = snapshots = [self._snapshot(group, where) for group, where in ours]
        for group in groups:
            self._tell(group)
        shown = sum(map(len, snapshots))
        self._metrics.page.exported(shown, self._series_limit, self._watchlist.admitted, self._watchlist.refused)

    def _count(self, group: Group, where: TopicPartition) -> None:
        series = group.partitions[where].series
        arrived: list[str] = []
        gone: list[str] = []
        for name in dict.fromkeys(group.take_changed(where)):
            (arrived if name in series else gone).append(name)
        self._watchlist.count((group.name, where), len(series), arrived, gone)

    def _snapshot(self, group: Group, where: TopicPartition) -> SeriesSnapshot:
        """The rows to show. A series that was seen in another partition first is shown there alone."""
        series = group.partitions[where].series
        if self._watchlist.shows_all:
            rows = series.live()
        else:
            rows = np.sort(series.find(self._watchlist.watched((group.name, where))))
        names = series.names(rows)
        if group.splits:
            at_home = [group.homes.get(name, where) == where for name in names]
            rows, names = rows[at_home], list(compress(names, at_home))
        return group.newest[where].snapshot(tuple(names), rows)

    def _tell(self, group: Group) -> None:
        partitions = group.partitions.items()
        fleets = [group.newest[where].fleet(len(partition.series)) for where, partition in partitions]
        self._metrics.fleet(
            group.name,
            live=sum(fleet.live for fleet in fleets),
            warming=sum(fleet.warming for fleet in fleets),
            anomalous=sum(fleet.anomalous for fleet in fleets),
        )
        for where, partition in partitions:
            if (health := partition.take_health()) is not None:
                self._metrics.state.calibration.epoch(where, health)
        rows = sum(partition.table.rows for _, partition in partitions)
        self._metrics.table(group.name, rows, sum(partition.table.size_bytes for _, partition in partitions))
