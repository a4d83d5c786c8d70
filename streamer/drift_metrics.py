"""Counts how often the errors of a group were seen to drift, and tells when that was last."""

from collections.abc import Callable, Iterable

from prometheus_client import Counter, Gauge

from connectors.drifts import Drifts
from streamer.order import NANOSECONDS

DETECTORS = ("adwin", "page_hinkley")


class DriftMetrics:
    """A part of the daemon's metrics. ``counter`` and ``gauge`` declare on its registry."""

    def __init__(self, groups: Iterable[str], counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> None:
        self._drifts = counter(
            "drifts_total", "Times the errors of a partition were seen to have changed for good.", "group", "detector"
        )
        self._last = gauge(
            "drift_timestamp_seconds", "Event time of the last such change, since the epoch.", "group", "detector"
        )
        self._error = gauge(
            "drift_error_ratio", "Mean rank of the errors that told of the last such change, among those on held-out "
            "readings: half while they are as there.", "group", "detector",
        )  # fmt: skip
        for group in groups:
            for detector in DETECTORS:
                self._drifts.labels(group, detector)

    def noticed(self, drifts: Drifts) -> None:
        """Enter changes; those of a past too old to matter are none."""
        columns = zip(drifts.detector, drifts.timestamp.tolist(), drifts.error_now.tolist(), strict=True)
        for (detector, timestamp, error), is_historical in zip(columns, drifts.historical.tolist(), strict=True):
            if not is_historical:
                self._drifts.labels(drifts.group, detector).inc()
                self._last.labels(drifts.group, detector).set(timestamp / NANOSECONDS)
                self._error.labels(drifts.group, detector).set(error)
