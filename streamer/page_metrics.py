"""Counts what the page of metrics itself shows, and what it costs."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge


class PageMetrics:
    """A part of the daemon's metrics. ``counter`` and ``gauge`` declare on its registry."""

    def __init__(self, counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> None:
        self._admitted_so_far = 0
        self._refused_so_far = 0
        self._exported = gauge("exported_series", "Series that have rows of their own on this page.")
        self._exported_limit = gauge("exported_series_limit", "Series that may have rows of their own.")
        self._admitted = counter("exported_series_admitted_total", "Series let onto this page.")
        self._refused = counter("exported_series_refused_total", "Anomalous series refused a row on this page.")
        self._render = gauge("render_duration_seconds", "Time the page before this one took to write.")

    def exported(self, series: int, limit: int, admitted: int, refused: int) -> None:
        """Tell how many series have rows of their own; ``admitted`` and ``refused`` count from the start."""
        self._exported.set(series)
        self._exported_limit.set(limit)
        self._admitted.inc(admitted - self._admitted_so_far)
        self._refused.inc(refused - self._refused_so_far)
        self._admitted_so_far, self._refused_so_far = admitted, refused

    def rendered(self, seconds: float) -> None:
        """Take the time that the page before this one took to write."""
        self._render.set(seconds)
