"""Counts what concerns the daemon's own life: reloads of its configuration, and how near it is to stopping."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import Counter, Gauge

from connectors.columns import TopicPartition

OUTCOMES = ("done", "refused")


class LifeMetrics:
    """A part of the daemon's metrics. ``counter`` and ``gauge`` declare on its registry."""

    def __init__(self, groups: Iterable[str], counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> None:
        self._reloads = counter(
            "config_reloads_total", "Times the configuration was read again, by what came of it.", "outcome"
        )
        self._reloaded = gauge("config_timestamp_seconds", "When the configuration in force was read, since the epoch.")
        self._reject_limit = gauge(
            "reject_limit_used_ratio", "Share of its limit on refused readings that a group has used up; above 1 the "
            "daemon stops.", "group",
        )  # fmt: skip
        self._margin = gauge(
            "retention_margin_ratio", "Share of the records on the broker that are older than the newest checkpoint, "
            "while it cannot be renewed; below a tenth the daemon stops.", "topic", "partition",
        )  # fmt: skip
        for outcome in OUTCOMES:
            self._reloads.labels(outcome)
        for group in groups:
            self._reject_limit.labels(group)
        self._reloaded.set(time.time())

    def reloaded(self, outcome: str) -> None:
        """Count a reload: one of `OUTCOMES`."""
        self._reloads.labels(outcome).inc()
        if outcome == "done":
            self._reloaded.set(time.time())

    def reject_limit(self, group: str, used_ratio: float) -> None:
        """Tell which share of its limit on refused readings a group has used up."""
        self._reject_limit.labels(group).set(used_ratio)

    def retention(self, where: TopicPartition, margin_ratio: float | None) -> None:
        """Tell how far retention is from the records that would be read again; None: that is no matter now."""
        labels = {"topic": where.topic, "partition": str(where.partition)}
        if margin_ratio is None:
            self._margin.remove_by_labels(labels)
        else:
            self._margin.labels(**labels).set(margin_ratio)
