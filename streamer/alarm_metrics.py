"""Counts the alarms of groups, by kind and by severity."""

from collections.abc import Callable, Iterable

from prometheus_client import Counter

from connectors.columns import SEVERITIES


class AlarmMetrics:
    """A part of the daemon's metrics. ``counter`` declares on its registry."""

    def __init__(self, groups: Iterable[str], kinds: Iterable[str], counter: Callable[..., Counter]) -> None:
        self._opened = counter("alarms_opened_total", "Alarms opened, by kind.", "group", "kind")
        self._closed = counter("alarms_closed_total", "Alarms closed, by kind.", "group", "kind")
        self._historical = counter(
            "alarms_historical_total", "Alarms opened in a past too old to call anybody, by kind.", "group", "kind"
        )
        self._by_severity = counter("alarms_by_severity_total", "Alarms opened, by severity.", "group", "severity")
        for group in groups:
            for kind in kinds:
                for each in (self._opened, self._closed, self._historical):
                    each.labels(group, kind)
            for severity in SEVERITIES:
                self._by_severity.labels(group, severity)

    def changed(self, group: str, kind: str, opened: int, closed: int) -> None:
        """Count alarms that opened or closed."""
        self._opened.labels(group, kind).inc(opened)
        self._closed.labels(group, kind).inc(closed)

    def called(self, group: str, severity: str, n: int) -> None:
        """Count openings by the severity that the rules give them."""
        self._by_severity.labels(group, severity).inc(n)

    def historical(self, group: str, kind: str, n: int) -> None:
        """Count openings that were written too long after their event time to call anybody."""
        self._historical.labels(group, kind).inc(n)
