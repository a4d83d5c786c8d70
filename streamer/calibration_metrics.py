"""Tells how well the budget of each partition is kept, and how far what it assumes holds."""

from collections.abc import Callable, Sequence

from prometheus_client import Gauge

from connectors.columns import TopicPartition
from models.alarm import KINDS
from models.calibration.health import Health


class CalibrationMetrics:
    """A part of the daemon's metrics. ``gauge`` declares on its registry; rows come with the first closed epoch."""

    def __init__(self, gauge: Callable[..., Gauge]) -> None:
        partition = ("topic", "partition")
        by_kind = (*partition, "kind")
        self._line = gauge("alarm_line_decades", "Statistic beyond which an alarm of a kind opens.", *by_kind)
        self._offset = gauge(
            "alarm_line_offset_decades", "What the controller has added to the line that the counts have.", *by_kind
        )
        self._is_extrapolated = gauge(
            "alarm_line_extrapolated", "Whether the line lies beyond the counts of the pool, in the fitted tail.",
            *by_kind,
        )  # fmt: skip
        self._wanted = gauge("alarms_wanted_ratio", "Alarms a reading that the budget has.", *by_kind)
        self._opened = gauge("alarms_opened_ratio", "Alarms a reading that opened, of late.", *by_kind)
        self._echo = gauge("score_echo_ratio", "Correlation of calibrated scores with those before them.", *partition)
        self._distance = gauge(
            "score_distance_ratio", "Largest distance between the shares of scores in the last epoch and in the pool.",
            *partition,
        )  # fmt: skip

    def epoch(self, where: TopicPartition, health: Health) -> None:
        """Tell how a partition's pool stood at the end of its last epoch."""
        partition = (where.topic, str(where.partition))
        columns: dict[Gauge, Sequence[float]] = {
            self._line: health.lines,
            self._offset: health.offset,
            self._is_extrapolated: health.is_extrapolated,
            self._wanted: health.wanted,
            self._opened: health.opened,
        }
        for gauge, numbers in columns.items():
            for kind, number in zip(KINDS, numbers, strict=True):
                gauge.labels(*partition, kind).set(number)
        self._echo.labels(*partition).set(health.echo)
        self._distance.labels(*partition).set(health.distance)

    def partition_left(self, where: TopicPartition) -> None:
        """Take the rows of a partition that is no longer ours off the page."""
        labels = {"topic": where.topic, "partition": str(where.partition)}
        by_kind = (self._line, self._offset, self._is_extrapolated, self._wanted, self._opened)
        for gauge in (*by_kind, self._echo, self._distance):
            gauge.remove_by_labels(labels)
