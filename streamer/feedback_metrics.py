"""Tells what people have said of alarms."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Gauge

VERDICTS = ("true", "false")


class FeedbackMetrics:
    """A part of the daemon's metrics. ``gauge`` declares on its registry.

    Gauges, since every process of a group sees all verdicts, and one may be changed or taken back.
    """

    def __init__(self, groups: Iterable[str], gauge: Callable[..., Gauge]) -> None:
        self._verdicts = gauge("feedback_verdicts", "Verdicts of people on alarms that stand.", "group", "verdict")
        for group in groups:
            self.told(group, {})

    def told(self, group: str, verdicts: Mapping[str, int]) -> None:
        """Tell how many verdicts of each kind there are."""
        for verdict in VERDICTS:
            self._verdicts.labels(group, verdict).set(verdicts.get(verdict, 0))
