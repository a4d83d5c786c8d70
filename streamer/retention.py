"""Watches that the records from the newest checkpoint on stay to be read while it cannot be renewed."""

import logging
from collections.abc import Callable, Iterable

from connectors.columns import TopicPartition
from connectors.errors import StoreError, TransientError
from connectors.ports import Source
from streamer.life_metrics import LifeMetrics
from streamer.tenure import Tenure

ASK_SECONDS = 60.0
LATE_SECONDS = 300.0  # since the last try, where the store does not even refuse
NEAR_RATIO = 0.1  # of the records that are there

log = logging.getLogger("streamer")


class Retention:
    """Asks, of partitions that could not be saved, how much the topic's retention has still to delete before it hurts.

    A state can be restored for as long as every record since its checkpoint is there. Retention deletes whole
    segments: it is near when it was seen to delete, and one more like the largest, or a tenth of what is there, would
    be too much. Where it deletes steadily, a tenth of the topic's retention time is then left to repair the store.
    """

    def __init__(self, source: Source, metrics: LifeMetrics, clock: Callable[[], float]) -> None:
        self._source = source
        self._metrics = metrics
        self._clock = clock
        self._asked_at: dict[TopicPartition, float] = {}
        self._oldest: dict[TopicPartition, int] = {}
        self._segment: dict[TopicPartition, int] = {}  # the most records that were seen to be deleted at once

    def check(self, tenures: Iterable[Tenure]) -> None:
        """Return while what cannot be saved could be restored for some time yet.

        Raises:
            StoreError: not for long: the daemon must stop while there is time to repair the store.
        """
        now = self._clock()
        try:
            for tenure in tenures:
                is_late = not tenure.is_saved and now - tenure.saved_at >= LATE_SECONDS
                if tenure.has_failed or is_late:
                    self._watch(tenure, now)
                elif tenure.where in self._asked_at:
                    self.forget(tenure.where)
        except TransientError as error:  # each of the others might be waited for as long
            log.warning("%s; how near retention is stays unknown for now", error)

    def forget(self, where: TopicPartition) -> None:
        """Take no more interest in a partition: it is saved, or has left us."""
        for known in (self._asked_at, self._oldest, self._segment):
            known.pop(where, None)
        self._metrics.retention(where, None)

    def _watch(self, tenure: Tenure, now: float) -> None:
        where = tenure.where
        if now - self._asked_at.get(where, -ASK_SECONDS) < ASK_SECONDS:
            return
        self._asked_at[where] = now
        oldest = self._source.oldest_offset(where)
        deleted = oldest - self._oldest.get(where, oldest)
        segment = self._segment[where] = max(deleted, self._segment.get(where, 0))
        self._oldest[where] = oldest
        margin, there = tenure.saved_offset - oldest, max(tenure.next_offset - oldest, 1)
        self._metrics.retention(where, margin / there)
        if segment > 0 and margin <= max(NEAR_RATIO * there, segment):
            raise StoreError(
                f"{where.topic}-{where.partition}: Expected a checkpoint newer than the one at {tenure.saved_offset}, "
                f"since the broker has deleted everything before {oldest} and goes on, got none that could be written: "
                "stopping while the state can still be restored"
            )
