"""The books: read = scored + rejected by reason, whenever no batch is under way."""

from collections import Counter

import numpy as np

from connectors.columns import Results
from streamer.group import Batch, Group
from streamer.metrics import Metrics
from streamer.partition import SPIKE


def account(metrics: Metrics, group: Group, batch: Batch) -> None:
    """Enter what one batch of a group came to."""
    metrics.readings_read(group.name, batch.read)
    metrics.batch(batch.read)
    for rejects in batch.rejects:
        for reason, count in Counter(rejects.reason).items():
            metrics.rejected(group.name, reason, count)
    for results in batch.results:
        _account_results(metrics, group, results)
    for alarms in batch.alarms:
        opened = alarms.event.count("opened")
        metrics.alarms_changed(group.name, SPIKE, opened, len(alarms) - opened)
    for _ in range(batch.epochs_closed):
        metrics.epoch(group.name)
    metrics.series_split(group.name, group.take_splits())


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
