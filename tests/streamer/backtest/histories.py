"""Histories by hand, for the tests of backtests."""

import numpy as np

from connectors.columns import TopicPartition
from streamer.backtest.recorder import History, Opening

MINUTE_NS = 60 * 10**9
START_NS = 1_767_225_600_000_000_000  # 2026-01-01


def history(
    series: str = "pump", readings: int = 100, openings: tuple[Opening, ...] = (), channels: int = 1
) -> History:
    """A series with a reading each minute, its novelty highest at readings 50 to 59."""
    at = np.arange(readings)
    value = np.tile(np.sin(at)[:, None], (1, channels))
    return History(
        group="machines",
        topic_partition=TopicPartition("readings", 0),
        series=series,
        channels=tuple(f"c{number}" for number in range(channels)),
        offset=at,
        index=np.zeros(readings, dtype=np.int64),
        timestamp=START_NS + at * MINUTE_NS,
        value=value,
        forecast=value * 0.9,
        lower=value - 1,
        upper=value + 1,
        anomaly_score=np.where((at >= 50) & (at < 60), 2.0, 0.1),
        novelty=np.where((at >= 50) & (at < 60), 0.9, 0.1),
        openings=openings,
    )


def opening(at: int, kind: str = "spike") -> Opening:
    """An alarm that the reading ``at`` opened."""
    return Opening(kind, START_NS + at * MINUTE_NS, (at, 0) if kind != "silence" else (-1, -1))
