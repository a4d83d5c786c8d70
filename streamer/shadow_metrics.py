"""Counts how champions and their shadows do on the same readings, and which artifacts were taken up."""

from collections.abc import Callable, Iterable

from prometheus_client import Counter, Gauge

from streamer.shadow import Duel

MODELS = ("champion", "challenger")
PROGRESS = ("warming", "following")


class ShadowMetrics:
    """A part of the daemon's metrics. ``counter`` and ``gauge`` declare on its registry."""

    def __init__(self, groups: Iterable[str], counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> None:
        self._partitions = gauge(
            "shadow_partitions", "Partitions in which another artifact than the one in force is warming, or following.",
            "group", "progress",
        )  # fmt: skip
        self._readings = counter("shadow_readings_total", "Readings that champion and challenger both judged.", "group")
        self._judged = counter("shadow_channels_judged_total", "Channel values that both of them forecast.", "group")
        self._crps = counter(
            "shadow_crps_total", "Continuous ranked probability score of these forecasts, in spreads of the champion; "
            "lower is better.", "group", "model",
        )  # fmt: skip
        self._surprise = counter("shadow_surprise_total", "Surprise at these values, -log10 p.", "group", "model")
        self._outside = counter(
            "shadow_outside_band_total", "Such values outside the forecast's own band.", "group", "model"
        )
        self._opened = counter("shadow_alarms_opened_total", "Alarms that each of them opened.", "group", "model")
        self._adoptions = counter("artifact_adoptions_total", "Partitions that went on with another artifact.", "group")
        self._failures = counter(
            "artifact_failures_total", "Times a promoted artifact, or the past that it is to read, could not be had.",
            "group",
        )  # fmt: skip
        for group in groups:
            for metric in (self._readings, self._judged, self._adoptions, self._failures):
                metric.labels(group)
            for progress in PROGRESS:
                self._partitions.labels(group, progress)
            for metric in (self._crps, self._surprise, self._outside, self._opened):
                for model in MODELS:
                    metric.labels(group, model)

    def shadows(self, group: str, warming: int, following: int) -> None:
        """Tell how many partitions have a shadow."""
        for progress, partitions in zip(PROGRESS, (warming, following), strict=True):
            self._partitions.labels(group, progress).set(partitions)

    def fought(self, group: str, duel: Duel) -> None:
        """Enter what both made of the same readings, as far as both had a forecast."""
        both = duel.both
        self._readings.labels(group).inc(len(duel.readings))
        self._judged.labels(group).inc(int(both.sum()))
        for model, skill, crps in zip(MODELS, (duel.champion, duel.challenger), duel.crps, strict=True):
            self._crps.labels(group, model).inc(float(crps.sum()))
            self._surprise.labels(group, model).inc(float(skill.surprise[both].sum()))
            self._outside.labels(group, model).inc(int((skill.is_outside & both).sum()))
            self._opened.labels(group, model).inc(int(skill.opened.sum()))

    def adopted(self, group: str) -> None:
        """Count a partition that goes on with another artifact."""
        self._adoptions.labels(group).inc()

    def failed(self, group: str) -> None:
        """Count what stood in the way of one."""
        self._failures.labels(group).inc()
