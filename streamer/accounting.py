"""The books: read = scored + rejected by reason + joined (+ held back), whenever no batch is under way."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from typing_extensions import override

from connectors.columns import SEVERITIES, Alarms, Results, Silences
from connectors.drifts import Drifts
from connectors.encode import Encoder
from connectors.messages import Message
from connectors.outputs import OutputOptions
from connectors.ports import Columns
from streamer.group import Batch, Group
from streamer.metrics import Metrics

log = logging.getLogger("streamer")


def account(metrics: Metrics, group: Group, batch: Batch, alarms: Iterable[Alarms | Silences | Drifts]) -> None:
    """Enter what one batch of a group came to."""
    metrics.readings_read(group.name, batch.read)
    metrics.batch(batch.read)
    for rejects in batch.rejects:
        for reason, count in Counter(rejects.reason).items():
            metrics.rejected(group.name, reason, count)
    for results in batch.results:
        _account_results(metrics, group, results)
    for changed in alarms:
        if isinstance(changed, Drifts):
            _account_drifts(metrics, changed)
        else:
            account_alarms(metrics, group.name, changed)
    for duel in batch.duels:
        metrics.shadow.fought(group.name, duel)
    metrics.epochs(group.name, batch.epochs_closed)
    metrics.held(group.name, group.held)
    metrics.join.joined(group.name, batch.joined, batch.replaced)
    metrics.series_evicted(group.name, batch.evicted)
    metrics.series_split(group.name, group.take_splits())


def account_alarms(metrics: Metrics, group: str, alarms: Alarms | Silences) -> None:
    """Enter alarms that opened or closed. Historical ones are told apart: they reach none of the live metrics."""
    changes = Counter(zip(alarms.kind, alarms.event, alarms.historical.tolist(), strict=True))
    for kind in sorted(set(alarms.kind)):
        metrics.alarms.changed(group, kind, changes[kind, "opened", False], changes[kind, "closed", False])
        metrics.alarms.historical(group, kind, changes[kind, "opened", True])
    called = Counter(zip(alarms.severity, alarms.event, alarms.historical.tolist(), strict=True))
    for severity in SEVERITIES:
        metrics.alarms.called(group, severity, called[severity, "opened", False])


def _account_drifts(metrics: Metrics, drifts: Drifts) -> None:
    """Enter drifts, and have people read of them."""
    metrics.drift.noticed(drifts)
    columns = (drifts.detector, drifts.error_before.tolist(), drifts.error_now.tolist())
    for detector, before, now in zip(*columns, strict=True):
        log.warning("group %s, %s: the errors have changed, says %s: their mean rank was %.2f and is %.2f",
                    drifts.group, drifts.topic_partition, detector, before, now)  # fmt: skip


def _account_results(metrics: Metrics, group: Group, results: Results) -> None:
    is_present = results.readings.present
    metrics.scored(
        group.name,
        results.anomaly_score,
        below=int(np.count_nonzero(results.value < results.lower)),
        above=int(np.count_nonzero(results.value > results.upper)),
        channels=int(np.count_nonzero(is_present & ~np.isnan(results.lower))),
    )
    metrics.channels_missing(group.name, int(np.count_nonzero(~is_present)))


class CountingEncoder(Encoder):
    """An encoder that tells how many messages it made for each topic."""

    def __init__(self, options: OutputOptions, emitted: Callable[[str, int], None]) -> None:
        super().__init__(options)
        self._emitted = emitted

    @override
    def encode(self, columns: Columns) -> list[Message]:
        messages = super().encode(columns)
        for topic, count in Counter(message.topic for message in messages).items():
            self._emitted(topic, count)
        return messages
