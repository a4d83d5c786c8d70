"""Counts what joining readings came to."""

from collections.abc import Callable, Iterable

from prometheus_client import Counter


class JoinMetrics:
    """A part of the daemon's metrics. ``counter`` declares on its registry."""

    def __init__(self, groups: Iterable[str], counter: Callable[..., Counter]) -> None:
        self._joined = counter("readings_joined_total", "Readings that went into others of their interval.", "group")
        self._replaced = counter(
            "channels_replaced_total", "Channel values that gave way to a later one of their interval.", "group"
        )
        for group in groups:
            self._joined.labels(group)
            self._replaced.labels(group)

    def joined(self, group: str, readings: int, replaced: int) -> None:
        """Count readings that went into others, and the values that gave way to theirs."""
        self._joined.labels(group).inc(readings)
        self._replaced.labels(group).inc(replaced)
