"""The engine: polls, scores and delivers, one batch after the other, in one thread."""

import logging
import time
from collections.abc import Callable, Sequence

from connectors.columns import Records, TopicPartition
from connectors.errors import TransientError
from connectors.ports import Assigned, Columns, Delivery, Ended, Event, Lost, Revoked, Source
from streamer.accounting import account
from streamer.board import Board
from streamer.group import Batch, Group
from streamer.metrics import Metrics
from streamer.phases import Phases

POLL_SECONDS = 0.2
AWAY_SECONDS = 60.0  # a source that cannot be reached for so long is given up; until then its series keep their state

log = logging.getLogger("streamer")


class Engine:
    """Owns the state of all partitions that are assigned. Every method is called by one thread."""

    def __init__(
        self,
        source: Source,
        delivery: Delivery,
        groups: Sequence[Group],
        board: Board,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self.has_ended = False  # a finite source has delivered everything
        self.moved_at = clock()  # when the loop last came round
        self.is_assigned = False
        self._source = source
        self._delivery = delivery
        self._groups = groups
        self._board = board
        self._metrics = metrics
        self._phases = Phases(time.perf_counter, metrics.phase)
        self._clock = clock
        self._by_topic: dict[str, Group] = {}
        self._watermarks: dict[TopicPartition, int] = {}
        self._away_since: float | None = None

    def turn(self) -> None:
        """Poll once, and take everything that came to its end before the next poll.

        Raises:
            TransientError: the source stayed away, or a delivery is in doubt: the state must not be gone on with.
        """
        for item in self._poll():
            if isinstance(item, Records):
                self._advance(item)
            else:
                self._follow(item)
        self._board.refresh(self._groups, self._clock())
        self.moved_at = self._clock()

    def _poll(self) -> list[Event | Records]:
        """What the source has; nothing while it is away, which may last for `AWAY_SECONDS`."""
        try:
            with self._phases.measure("poll"):
                arrived = self._source.poll(POLL_SECONDS)
        except TransientError as error:
            now = self._clock()
            if self._away_since is None:
                self._away_since = now
                log.warning("%s; trying for %g s", error, AWAY_SECONDS)
            if now - self._away_since >= AWAY_SECONDS:
                raise
            return []
        if self._away_since is not None:
            log.info("the source is back after %.0f s", self._clock() - self._away_since)
            self._away_since = None
        return arrived

    def _advance(self, records: Records) -> None:
        """Score these records and make what came of them permanent, before anything else is read."""
        group = self._group(records.topic_partition.topic)
        batch = group.process(records)
        with self._phases.measure("deliver"):
            self._deliver(records, batch)
        account(self._metrics, group, batch)
        self._locate(records.topic_partition, batch)
        self._board.note(group, records.topic_partition, batch.results, self._clock())

    def _deliver(self, records: Records, batch: Batch) -> None:
        self._delivery.begin(records.topic_partition)
        outputs: list[Columns] = [*batch.results, *batch.alarms, *batch.rejects]
        for columns in outputs:
            self._delivery.write(columns)
        self._delivery.commit({records.topic_partition: records.next_offset})

    def _follow(self, event: Event) -> None:
        """State lives exactly as long as its partition is ours."""
        match event:
            case Assigned(partitions):
                for where in partitions:
                    self._group(where.topic).open(where)
                self.is_assigned = True
                self._metrics.rebalanced()
            case Revoked(partitions) | Lost(partitions):
                for where in partitions:
                    self._forget(where)
                self._metrics.rebalanced()
            case Ended():
                self.has_ended = True

    def _forget(self, where: TopicPartition) -> None:
        group = self._group(where.topic)
        group.drop(where)
        self._board.forget(group, where)
        self._metrics.partition_left(*where)
        self._watermarks.pop(where, None)

    def _group(self, topic: str) -> Group:
        """The group whose topic this is; the configuration sees to it that there is exactly one."""
        if topic not in self._by_topic:
            self._by_topic[topic] = next(group for group in self._groups if group.holds(topic))
        return self._by_topic[topic]

    def _locate(self, where: TopicPartition, batch: Batch) -> None:
        """Tell how far this partition has come."""
        for results in batch.results:
            newest = int(results.readings.timestamp.max())
            self._watermarks[where] = max(newest, self._watermarks.get(where, newest))
        watermark = self._watermarks.get(where)  # None where nothing could be scored yet: the lag counts all the same
        seconds = None if watermark is None else watermark / 1e9
        self._metrics.partition(*where, self._source.lag(where), seconds)
