"""Counts what the daemon does, for Prometheus."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import generate_latest as generate_text
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from connectors.columns import SILENCE, Float64, Reason
from models.alarm import KINDS
from streamer.alarm_metrics import AlarmMetrics
from streamer.drift_metrics import DriftMetrics
from streamer.feedback_metrics import FeedbackMetrics
from streamer.join_metrics import JoinMetrics
from streamer.life_metrics import LifeMetrics
from streamer.page_metrics import PageMetrics
from streamer.retrain_metrics import RetrainMetrics
from streamer.score_histogram import ScoreHistogram
from streamer.shadow_metrics import ShadowMetrics
from streamer.state_metrics import StateMetrics

PHASES = ("poll", "decode", "order", "step", "deliver")
SIDES, ALARMS = ("below", "above"), (*KINDS, SILENCE)
DURATION_BOUNDS_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BATCH_BOUNDS = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


@dataclass(frozen=True, slots=True)
class Description:
    """What a person is told of one metric."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class Metrics:
    """The metrics of one daemon, on a registry of their own. The engine's thread writes, any thread renders.

    Every label value that is known beforehand starts at zero, so that a first event is an increase.
    """

    def __init__(self, groups: Sequence[str], topics: Sequence[str] = (), kinds: Sequence[str] = ALARMS) -> None:
        """Take the names of all groups, of the output topics, and the kinds of alarm."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.descriptions: list[Description] = []
        self._registry = CollectorRegistry()
        self._declare_readings(groups)
        self.alarms = AlarmMetrics(groups, kinds, self._counter)
        self._declare_series(groups)
        self._declare_fleet(groups)
        self._declare_loop(topics)
        self.state = StateMetrics(groups, self._counter, self._gauge, self._histogram)
        self.join = JoinMetrics(groups, self._counter)
        self.life = LifeMetrics(groups, self._counter, self._gauge)
        self.shadow = ShadowMetrics(groups, self._counter, self._gauge)
        self.retraining = RetrainMetrics(self._gauge)
        self.drift = DriftMetrics(groups, self._counter, self._gauge)
        self.feedback = FeedbackMetrics(groups, self._gauge)
        self.page = PageMetrics(self._counter, self._gauge)
        ProcessCollector(registry=self._registry)

    def render(self, openmetrics: bool) -> bytes:
        """Write these metrics as the first part of a page: the series block follows, and ends it."""
        if not openmetrics:
            return generate_text(self._registry)
        page: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return page.removesuffix(b"# EOF\n")

    # Readings: read + inherited = scored + rejected + joined + held, whenever no batch is under way.

    def readings_read(self, group: str, n: int) -> None:
        """Count readings that came from the source, whatever became of them."""
        self._read.labels(group).inc(n)

    def scored(self, group: str, anomaly_scores: Float64, below: int, above: int, channels: int) -> None:
        """Count scored readings (n,), the channel values judged in them, and those outside their forecast band."""
        self._scored.labels(group).inc(len(anomaly_scores))
        self._scores.observe(group, anomaly_scores)
        self._judged.labels(group).inc(channels)
        self._outside.labels(group, "below").inc(below)
        self._outside.labels(group, "above").inc(above)

    def rejected(self, group: str, reason: Reason, n: int) -> None:
        """Count readings that were refused."""
        self._rejected.labels(group, reason.value).inc(n)

    def held(self, group: str, n: int) -> None:
        """Tell how many readings are held back now, over all partitions that are ours."""
        self._held.labels(group).set(n)

    def inherited(self, group: str, n: int) -> None:
        """Count held-back readings that came with the state of a partition; negative: that left with one."""
        self._inherited.labels(group).inc(n)

    def channels_missing(self, group: str, n: int) -> None:
        """Count channel values that scored readings did not have."""
        self._missing.labels(group).inc(n)

    def band_target(self, group: str, ratio: float) -> None:
        """Tell which share of the values the forecast band of a group is meant to hold."""
        self._band_target.labels(group).set(ratio)

    def _declare_readings(self, groups: Sequence[str]) -> None:
        self._read = self._counter("readings_read_total", "Readings read from the source.", "group")
        self._scored = self._counter("readings_scored_total", "Readings scored.", "group")
        self._rejected = self._counter("readings_rejected_total", "Readings refused, by reason.", "group", "reason")
        self._held = self._gauge("readings_held", "Readings held back until the late have had time to come.", "group")
        self._inherited = self._gauge(
            "readings_inherited", "Held-back readings that came with partitions, less those that left.", "group"
        )
        self._missing = self._counter("channels_missing_total", "Channel values absent from scored readings.", "group")
        self._judged = self._counter("channels_judged_total", "Channel values held against their band.", "group")
        self._outside = self._counter(
            "channels_outside_band_total", "Channel values outside their forecast band, by side.", "group", "side"
        )
        self._band_target = self._gauge(
            "band_target_ratio", "Share of values that the forecast band is meant to hold.", "group"
        )
        text = "Anomaly scores of all readings; above 1 is an anomaly."
        self._scores = ScoreHistogram("streamer_anomaly_score", text, groups)
        self._registry.register(self._scores)
        self._describe("anomaly_score", "histogram", text, "group")
        for group in groups:
            for metric in (self._read, self._scored, self._held, self._inherited, self._missing, self._judged):
                metric.labels(group)
            for reason in Reason:
                self._rejected.labels(group, reason.value)
            for side in SIDES:
                self._outside.labels(group, side)

    # What happens to the series of a group.

    def series_split(self, group: str, n: int) -> None:
        """Count series that showed up in a second partition."""
        self._split.labels(group).inc(n)

    def series_evicted(self, group: str, n: int) -> None:
        """Count series that were forgotten: silent for too long, or the oldest of too many."""
        self._evicted.labels(group).inc(n)

    def epochs(self, group: str, n: int) -> None:
        """Count epochs that were closed, over the partitions of the group."""
        self._epochs.labels(group).inc(n)

    def _declare_series(self, groups: Sequence[str]) -> None:
        self._split = self._counter("series_split_total", "Series seen in a second partition.", "group")
        self._evicted = self._counter(
            "series_evicted_total", "Series forgotten: silent for too long, or the oldest of too many.", "group"
        )
        self._epochs = self._counter("epochs_closed_total", "Epochs closed, over all partitions.", "group")
        for group in groups:
            self._split.labels(group)
            self._evicted.labels(group)
            self._epochs.labels(group)

    # The fleet as it stands.

    def fleet(self, group: str, live: int, warming: int, anomalous: int) -> None:
        """Tell how many series are remembered, and how many of them are warming and have an open alarm."""
        self._live.labels(group).set(live)
        self._warming.labels(group).set(warming)
        self._anomalous.labels(group).set(anomalous)

    def table(self, group: str, rows: int, size_bytes: int) -> None:
        """Tell how many rows the state tables of a group have room for, and their size."""
        self._rows.labels(group).set(rows)
        self._bytes.labels(group).set(size_bytes)

    def artifact(self, group: str, artifact: str, cell: str) -> None:
        """Tell which artifact is in force, in the place of the one before."""
        self._artifact.remove_by_labels({"group": group})
        self._artifact.labels(group, artifact, cell).set(1)

    def build(self, version: str, torch: str, device: str) -> None:
        """Tell what runs here."""
        self._build.labels(version, torch, device).set(1)

    def _declare_fleet(self, groups: Sequence[str]) -> None:
        self._live = self._gauge("series_live", "Series remembered.", "group")
        self._warming = self._gauge("series_warming", "Live series judged on little history of their own.", "group")
        self._anomalous = self._gauge("series_anomalous", "Live series with an open alarm.", "group")
        self._rows = self._gauge("state_rows", "Rows of the state tables, taken or free.", "group")
        self._bytes = self._gauge("state_bytes", "Size of the state tables.", "group")
        self._artifact = self._gauge("artifact_info", "The artifact in force.", "group", "artifact", "cell")
        self._build = self._gauge("build_info", "What runs here.", "version", "torch", "device")
        for group in groups:
            for gauge in (self._live, self._warming, self._anomalous, self._rows, self._bytes):
                gauge.labels(group)

    # The loop and its source.

    def phase(self, phase: str, seconds: float) -> None:
        """Take the time that one phase of one batch took: one of `PHASES`."""
        self._phases.labels(phase).observe(seconds)

    def batch(self, readings: int) -> None:
        """Take the size of a batch that is done."""
        self._batches.observe(readings)

    def emitted(self, topic: str, n: int) -> None:
        """Count records written to an output topic."""
        self._emitted.labels(topic).inc(n)

    def rebalanced(self) -> None:
        """Count a change of the partitions that are ours."""
        self._rebalances.inc()

    def partition(
        self, topic: str, partition: int, lag_records: int | None, event_timestamp_seconds: float | None
    ) -> None:
        """Tell how far one source partition has come. A number that is not known leaves its row out."""
        for gauge, number in ((self._lag, lag_records), (self._event_time, event_timestamp_seconds)):
            if number is None:
                gauge.remove_by_labels({"topic": topic, "partition": str(partition)})
            else:
                gauge.labels(topic, str(partition)).set(number)

    def partition_left(self, topic: str, partition: int) -> None:
        """Take the rows of a partition that is no longer ours off the page."""
        for gauge in (self._lag, self._event_time):
            gauge.remove_by_labels({"topic": topic, "partition": str(partition)})

    def _declare_loop(self, topics: Sequence[str]) -> None:
        self._phases = self._histogram(
            "batch_phase_duration_seconds", "Time a batch spends in each phase.", DURATION_BOUNDS_SECONDS, "phase"
        )
        self._batches = self._histogram("batch_readings", "Readings in a batch.", BATCH_BOUNDS)
        self._emitted = self._counter("emitted_records_total", "Records written to an output topic.", "topic")
        self._rebalances = self._counter("rebalances_total", "Changes of the partitions assigned to this process.")
        self._lag = self._gauge("lag_records", "Records behind the end of a partition.", "topic", "partition")
        self._event_time = self._gauge(
            "event_timestamp_seconds", "Highest event time read so far, since the epoch.", "topic", "partition"
        )
        for phase in PHASES:
            self._phases.labels(phase)
        for topic in topics:
            self._emitted.labels(topic)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self._describe(name, "counter", text, *labels)
        return Counter(f"streamer_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        self._describe(name, "gauge", text, *labels)
        return Gauge(f"streamer_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Histogram:
        self._describe(name, "histogram", text, *labels)
        return Histogram(f"streamer_{name}", text, labels, buckets=bounds, registry=self._registry)

    def _describe(self, name: str, kind: str, text: str, *labels: str) -> None:
        self.descriptions.append(Description(f"streamer_{name}", kind, labels, text))
