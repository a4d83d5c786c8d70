"""Tells how the last retraining of each group went, as the shelf has it."""

import math
from collections.abc import Callable

from prometheus_client import Gauge

from streamer.retraining.report import Report
from streamer.shadow_metrics import MODELS


class RetrainMetrics:
    """A part of the daemon's metrics. ``gauge`` declares on its registry. A group without a report has no rows."""

    def __init__(self, gauge: Callable[..., Gauge]) -> None:
        self._started = gauge(
            "retraining_timestamp_seconds", "When the last retraining that came to a verdict began, since the epoch.",
            "group",
        )  # fmt: skip
        self._duration = gauge("retraining_duration_seconds", "Time that the last retraining took.", "group")
        self._promoted = gauge(
            "retraining_promoted", "Whether the challenger of the last retraining took the champion's place.", "group"
        )
        self._judged = gauge("retraining_channels_judged", "Channel values that its verdict stands on.", "group")
        self._crps = gauge(
            "retraining_crps", "Continuous ranked probability score on the later readings, in spreads of the champion; "
            "the geometric mean over series.", "group", "model",
        )  # fmt: skip
        self._coverage = gauge(
            "retraining_band_coverage_ratio",
            "Share of the later values inside the forecast's own band.",
            "group",
            "model",
        )

    def retrained(self, report: Report) -> None:
        """Tell of the last report."""
        group, contest = report.group, report.contest
        self._started.labels(group).set(report.started_timestamp_seconds)
        self._duration.labels(group).set(report.duration_seconds)
        self._promoted.labels(group).set(report.verdict.is_promoted)
        self._judged.labels(group).set(contest.judged)
        for model, figures in zip(MODELS, (contest.champion, contest.challenger), strict=True):
            self._crps.labels(group, model).set(math.nan if figures.crps is None else figures.crps)
            self._coverage.labels(group, model).set(figures.coverage_ratio)
