"""The engine: polls, scores and delivers, one batch after the other, in one thread."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from connectors.columns import Alarms, Records, Silences, TopicPartition
from connectors.drifts import Drifts
from connectors.errors import TransientError
from connectors.ports import Delivery, Ended, Event, Gone, Source
from streamer.absence import Absence
from streamer.accounting import account
from streamer.board import Board
from streamer.group import Batch
from streamer.history import LiveFrom, all_live
from streamer.metrics import Metrics
from streamer.order import NANOSECONDS, NEVER
from streamer.phases import Phases
from streamer.silence_timer import SilenceTimer
from streamer.tenancy import Tenancy
from streamer.tenure import Tenure

POLL_SECONDS = 0.2
log = logging.getLogger("streamer")
T = TypeVar("T")


class _Conclusion(NamedTuple):
    """What came of a batch, on its way to be permanent."""

    tenure: Tenure
    batch: Batch
    alarms: list[Alarms | Silences | Drifts]
    next_offset: int


class Engine:
    """Turns what the source has into what the delivery makes permanent. Every method is called by one thread."""

    def __init__(
        self,
        source: Source,
        delivery: Delivery,
        tenancy: Tenancy,
        board: Board,
        metrics: Metrics,
        clock: Callable[[], float],
        live_from: LiveFrom = all_live,
    ) -> None:
        """``clock`` never goes back; ``live_from`` says what is history, and nothing else."""
        self.has_ended = False  # a finite source has delivered everything
        self.moved_at = clock()  # when the loop last came round
        self._source = source
        self._delivery = delivery
        self._tenancy = tenancy
        self._board = board
        self._metrics = metrics
        self._phases = Phases(time.perf_counter, metrics.phase)
        self._clock = clock
        self._live_from = live_from
        self._concluded: dict[TopicPartition, _Conclusion] = {}  # written, and not committed yet
        self._timer = SilenceTimer(source)
        self._source_absence = Absence(clock)
        self._state_absence = Absence(clock)  # of what a partition that is new is to be taken over from

    def turn(self) -> None:
        """Poll once, and take everything that came to its end before the next poll.

        Raises:
            DoubtError: a delivery is in doubt: the process must end at once.
            TransientError: the source stayed away.
            StateError, OffsetGoneError: a partition cannot be gone on with; a person must say what to do.
            RejectsError: too many readings were refused; what was read is delivered.
            StoreError: what cannot be saved will soon not be restored either.
        """
        arrived = self._bearing(self._source_absence, self._poll)
        for item in arrived or ():
            if isinstance(item, Records):
                self._advance(item)
            else:
                self._follow(item)
        self._commit()
        if arrived is None:
            self._timer.stop(self._tenancy.tenures.values(), self._clock())
        else:
            self._raise_silences({item.topic_partition for item in arrived if isinstance(item, Records)})
            self._commit()
        self._bearing(self._state_absence, self._tenancy.open_next)
        self._tenancy.tick()
        self._board.refresh(self._tenancy.groups, self._clock())
        self.moved_at = self._clock()

    def leave(self) -> None:
        """Save the state of everything that is ours."""
        self._tenancy.leave()

    @staticmethod
    def _bearing(absence: Absence, ask: Callable[[], T]) -> T | None:
        """The answer of those outside; None while they are away."""
        try:
            answer = ask()
        except TransientError as error:
            absence.bear(error)
            return None
        absence.end()
        return answer

    def _poll(self) -> list[Event | Records]:
        with self._phases.measure("poll"):
            return self._source.poll(POLL_SECONDS)

    def _advance(self, records: Records) -> None:
        """Score these records, and make what came of them permanent with what other partitions had to say."""
        tenure = self._tenancy.tenures[records.topic_partition]
        silent, live = records.split(tenure.silent_until)
        if len(silent):
            self._step_again(tenure, silent)
        if len(live):
            self._conclude(tenure, tenure.group.process(live), live.next_offset)

    def _step_again(self, tenure: Tenure, records: Records) -> None:
        """Bring the state to where the group is. Others were told of these readings already."""
        held = len(tenure.partition.buffer)
        batch = tenure.group.process(records)
        tenure.next_offset = records.next_offset
        self._metrics.inherited(tenure.group.name, len(tenure.partition.buffer) - held)
        self._metrics.state.replayed(tenure.group.name, batch.read)
        self._metrics.state.silent(tenure.where, tenure.silent_until - tenure.next_offset)
        self._show(tenure, batch)

    def _raise_silences(self, heard: set[TopicPartition]) -> None:
        """Tell of series that have said nothing for too long."""
        for tenure, silences in self._timer.due(self._tenancy.tenures.values(), heard, self._clock()):
            self._conclude(tenure, Batch(silences=[silences]), tenure.next_offset)

    def _conclude(self, tenure: Tenure, batch: Batch, next_offset: int) -> None:
        """Write what came of a batch; it becomes permanent with what came of those of other partitions."""
        if tenure.where in self._concluded:
            self._commit()
        live_from = self._live_from(tenure.partition.judge.choices.alarm.max_age_seconds)
        alarms: list[Alarms | Silences | Drifts] = [
            *(replace(columns, live_from=live_from) for columns in batch.alarms),
            *(replace(columns, live_from=live_from) for columns in batch.silences),
            *(replace(columns, live_from=live_from) for columns in batch.drifts),
        ]
        with self._phases.measure("deliver"):
            self._delivery.begin(tenure.where)
            for columns in (*batch.results, *alarms, *batch.rejects):
                self._delivery.write(columns)
        self._concluded[tenure.where] = _Conclusion(tenure, batch, alarms, next_offset)

    def _commit(self) -> None:
        """Make what was written permanent, of all partitions side by side, then enter it in the books."""
        concluded = [*self._concluded.values()]
        if not concluded:
            return
        with self._phases.measure("deliver"):
            self._delivery.commit({tenure.where: next_offset for tenure, _, _, next_offset in concluded})
        self._concluded.clear()
        for tenure, _, _, next_offset in concluded:  # of all, before anything may be refused
            tenure.next_offset = tenure.silent_until = next_offset
        for tenure, batch, alarms, _ in concluded:
            account(self._metrics, tenure.group, batch, alarms)
            self._show(tenure, batch)
        for tenure, batch, _, _ in concluded:
            tenure.group.reject_limit.note(batch.read, batch.rejects)

    def _follow(self, event: Event) -> None:
        """State lives exactly as long as its partition is ours."""
        self._commit()
        if isinstance(event, Ended):
            for tenure in self._tenancy.tenures.values():
                if len(tenure.partition.buffer):
                    self._conclude(tenure, tenure.group.flush(tenure.where), tenure.next_offset)
                    tenure.has_news = True
            self.has_ended = True
            return
        if isinstance(event, Gone):
            self._pass_over(event)
            return
        for tenure in self._tenancy.follow(event):
            self._board.forget(tenure.group, tenure.where)
            self._metrics.partition_left(*tenure.where)
            self._metrics.state.partition_left(tenure.where)

    def _pass_over(self, gone: Gone) -> None:
        """Go on without records that were deleted: what they would have taught is lost, and what came of them."""
        tenure = self._tenancy.tenures[gone.partition]
        log.error("%s-%d: records %d to %d were deleted before they were read; going on at %d",
                  *gone.partition, gone.offset, gone.oldest - 1, gone.oldest)  # fmt: skip
        self._metrics.state.gone(gone.partition, gone.oldest - gone.offset)
        if gone.oldest >= tenure.silent_until:
            tenure.next_offset = tenure.silent_until  # nothing is left to be stepped again

    def _show(self, tenure: Tenure, batch: Batch) -> None:
        """Tell how far this partition has come."""
        where = tenure.where
        watermark = tenure.partition.watermark
        seconds = None if watermark == NEVER else watermark / NANOSECONDS  # the lag counts all the same
        self._metrics.partition(*where, self._source.lag(where), seconds)
        self._metrics.state.unsaved(where, tenure.next_offset - tenure.saved_offset)
        self._board.note(tenure.group, where, batch.results, self._clock())
