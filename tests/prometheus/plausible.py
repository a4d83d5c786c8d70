"""A daemon as the pages see it, without the daemon: metrics and snapshots filled with plausible numbers."""

import time
from collections.abc import Callable

import numpy as np

from connectors.columns import Ahead, Reason, TopicPartition
from models.calibration.health import Health
from streamer.metrics import PHASES, Metrics
from streamer.series_block import SeriesSnapshot

GROUPS = {"pumps": ("flow", "heat"), "prices": ("value",)}
SERIES_EACH = 12
FURTHER = {"pumps": (24,), "prices": ()}  # horizons beyond the next reading
WHERE = TopicPartition("readings", 0)


HEALTH = Health([4.0, 3.5], [0.0, 0.1], [False, True], [5e-5, 5e-5], [6e-5, 4e-5], echo=0.1, distance=0.02)


class PlausibleDaemon:
    """Moves a little whenever it is looked at, so that rates are above zero; the first series of a group alarms."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.metrics = Metrics(groups=list(GROUPS), topics=["results", "alarms", "dead-letters"])
        self._random = np.random.default_rng(7)
        self._clock = clock
        self.metrics.build("0.1.0", "2.13.0", "cpu")
        self.metrics.state.interval(30.0)
        self.metrics.page.exported(SERIES_EACH * len(GROUPS), 1_000, admitted=0, refused=0)
        for group, channels in GROUPS.items():
            self.metrics.artifact(group, "gru-32", "gru")
            self.metrics.band_target(group, 0.99)
            self.metrics.life.reject_limit(group, 0.02)
            self.metrics.fleet(group, live=SERIES_EACH, warming=2, anomalous=1)
            self.metrics.table(group, rows=64, size_bytes=64 * 700 * len(channels))

    def snapshots(self) -> list[SeriesSnapshot]:
        """Let one batch pass, and show every series."""
        self._pass_a_batch()
        return [self._snapshot(group, channels) for group, channels in GROUPS.items()]

    def _pass_a_batch(self) -> None:
        for group, channels in GROUPS.items():
            scores = self._random.gamma(2.0, 0.15, SERIES_EACH)
            self.metrics.readings_read(group, SERIES_EACH + 1)
            self.metrics.rejected(group, Reason.LATE, 1)
            self.metrics.scored(group, scores, below=0, above=1, channels=SERIES_EACH * len(channels))
            self.metrics.channels_missing(group, 1)
            self.metrics.alarms.changed(group, "spike", opened=1, closed=1)
            self.metrics.epochs(group, 1)
        for phase in PHASES:
            self.metrics.phase(phase, self._random.exponential(0.003))
        self.metrics.batch(2 * SERIES_EACH)
        self.metrics.emitted("results", 2 * SERIES_EACH)
        self.metrics.partition("readings", 0, 3, self._clock() - 1)
        with self.metrics.state.pause(), self.metrics.state.write():
            self.metrics.state.saved(WHERE, 40_000, 700_000)
        self.metrics.state.calibration.epoch(WHERE, HEALTH)
        self.metrics.state.unsaved(WHERE, 120)
        self.metrics.state.silent(WHERE, 0)

    def _snapshot(self, group: str, channels: tuple[str, ...]) -> SeriesSnapshot:
        shape = (SERIES_EACH, len(channels))
        forecast = 20 + 5 * np.sin(self._clock() / 20 + np.arange(SERIES_EACH)[:, None] + np.arange(shape[1]))
        value = forecast + self._random.normal(scale=0.4, size=shape)
        score = self._random.gamma(2.0, 0.15, SERIES_EACH)
        value[0], score[0] = forecast[0] + 4, 2.5
        names = tuple(f"{group[:-1]}-{number:02d}" for number in range(SERIES_EACH))
        peak = np.maximum(score, 0.8)
        further = np.repeat(forecast[..., None], len(FURTHER[group]), axis=-1) + 1
        ahead = Ahead(FURTHER[group], further, further - 5, further + 5) if FURTHER[group] else None
        lower, upper = forecast - 1.2, forecast + 1.2
        return SeriesSnapshot(
            group, channels, names, value, forecast, lower, upper, score, peak, peak.clip(0, 1), ahead
        )
