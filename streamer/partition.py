"""A partition: the state of one group in one source partition, and the only way to advance it.

Its outputs are a function of the partition's records in offset order, of the configuration and of the artifact. Batch
cuts, other partitions and the wall clock never reach a score.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from connectors.columns import Alarms, Int64, Readings, Results, Silences, TopicPartition
from connectors.drifts import Drifts
from connectors.errors import StateError
from models import alarm
from models.calibration.epochs import close_epoch
from models.calibration.health import Health, health
from models.calibration.pool import Pool
from models.calibration.prior import counted
from streamer import drift, epoch, eviction, openings, order, silence
from streamer.drift import DriftWatch
from streamer.judge import Judge
from streamer.openings import Gone, Openings
from streamer.order import Verdict
from streamer.reorder import ReorderBuffer
from streamer.scoring import Scorer
from streamer.series_rows import PADDING_ROW, HostColumns, SeriesRows
from streamer.shadow import Duel, Learnt, Shadow
from streamer.silence import Watch
from streamer.table import StateTable
from streamer.terms import Terms, TermsOfRows, TermsOfSilence


@dataclass(slots=True)
class Progress:
    """What one batch came to, in offset order."""

    results: list[Results] = field(default_factory=list)
    alarms: list[Alarms] = field(default_factory=list)
    silences: list[Silences] = field(default_factory=list)
    drifts: list[Drifts] = field(default_factory=list)
    rows: list[Int64] = field(default_factory=list)  # of the results; the padding row for series evicted since
    verdicts: list[tuple[Readings, Verdict]] = field(default_factory=list)
    epochs_closed: int = 0
    evicted: list[str] = field(default_factory=list)  # some may have come back since
    released: list[Int64] = field(default_factory=list)  # the rows of the evicted, which others may have by now
    duels: list[Duel] = field(default_factory=list)  # of the results, while a shadow follows


def host_parts(channels: int) -> dict[str, dict[str, NDArray[np.generic]]]:
    """What is remembered of a series beside the detector's state, by what remembers it: initial values by column."""
    return {
        "order": order.initial_columns(channels),
        "opening": openings.initial_columns(),
        "silence": silence.initial_columns(),
        "eviction": eviction.initial_columns(),
    }


class Partition:
    """State rows, pool and epoch of one group in one source partition."""

    def __init__(
        self, judge: Judge, topic_partition: TopicPartition, appeared: Callable[[list[str]], None] | None = None
    ) -> None:
        self.topic_partition = topic_partition
        self.judge = judge
        self.series = SeriesRows(appeared)
        self.pool = judge.pool
        self.epoch = epoch.Epoch()
        self.table = StateTable(judge.detector.columns, judge.device)
        parts = host_parts(len(judge.channels))
        self.columns = HostColumns({name: value for part in parts.values() for name, value in part.items()})
        self.buffer = ReorderBuffer.empty(judge.group, topic_partition, len(judge.channels))
        self.drift = DriftWatch(judge.choices.drift)
        self.shadow: Shadow | None = None
        self._closed: tuple[Pool, Pool] | None = None  # the pool before and after the end of the last epoch
        self._terms = TermsOfRows(judge.choices)

    @property
    def learnt(self) -> Learnt:
        """What is in force, to go back to."""
        return Learnt(self.judge, self.table, self.pool)

    @learnt.setter
    def learnt(self, learnt: Learnt) -> None:
        self.judge, self.table, self.pool = learnt

    def check_fit(self, judge: Judge) -> None:
        """Return if this state can be gone on with by another judge.

        Raises:
            StateError: it cannot.
        """
        if judge.detector.columns != self.judge.detector.columns or judge.channels != self.judge.channels:
            before, now = (
                f"{list(one.channels)} at the horizons {one.choices.horizons}" for one in (self.judge, judge)
            )
            raise StateError(
                f"group {judge.group!r}, {self.topic_partition}: Expected the channels that its state was made of, "
                f"{before}, with the same transforms, got {now}; `streamer reset` begins anew"
            )

    def adopt(self, judge: Judge) -> None:
        """Go on with another judge from here: a barrier.

        Raises:
            StateError: the state does not fit it.
        """
        self.check_fit(judge)
        self.judge = judge
        self.drift = self.drift.under(judge.choices.drift)
        self.pool = self.pool.under(judge.pool.budget)

    def succeed(self, shadow: Shadow) -> None:
        """Go on with what a shadow has learnt, from here: a barrier.

        What the world was told stays: alarms that are open, order, silences, and where the epoch stands.
        """
        judge, table, pool = shadow.learnt
        rows = self.series.live()
        table.ensure(self.series.height)
        table.take([column.name for column in alarm.columns()], rows, self.table.views, rows)
        self.learnt = Learnt(judge, table, replace(pool, epoch=self.pool.epoch))
        self.drift = DriftWatch(judge.choices.drift)  # those were the errors of other weights
        self.shadow = None

    def advance(self, readings: Readings) -> Progress:
        """Take the next readings of this partition, in offset order, and score what need not wait for the late."""
        options = self.judge.choices.order
        if options.hold_ns or len(self.buffer):
            readings, self.buffer = self.buffer.push(readings, options)
        return self._advance(readings)

    def flush(self) -> Progress:
        """Score what waits, since nothing more will come."""
        released, self.buffer = self.buffer.flush()
        return self._advance(released)

    @property
    def watermark(self) -> int:
        """The highest event time that has come, held back or not, in ns; `NEVER` before the first reading."""
        return max(self.buffer.watermark, order.NEVER if self.epoch.watermark is None else self.epoch.watermark)

    def take_health(self) -> Health | None:
        """How the pool stood at the end of the last epoch, for people; None where that was asked since."""
        closed, self._closed = self._closed, None
        return closed and health(*closed)

    def fall_silent(self, event_now_ns: int) -> Silences | None:
        """The silences that are to be raised by now, remembered as raised; None where there is none."""
        watch = self._watch
        if watch is None:
            return None
        last_seen = self.columns["last_timestamp"][: self.series.height].copy()
        held = self.buffer.held
        is_known = np.array([name in self.series for name in held.series], dtype=bool)
        np.maximum.at(last_seen, self.series.of(held.series[is_known]), held.timestamp[is_known])
        rows = watch.due(last_seen, self.columns["silent_since"][: self.series.height], event_now_ns)
        names = np.array(self.series.names(rows), dtype=object)
        is_due = watch.opening(names, last_seen[rows]) <= event_now_ns
        rows, names = rows[is_due], names[is_due]
        if not len(rows):
            return None
        silence.remember_raised(self.columns, rows, last_seen[rows])
        return watch.raised(names, last_seen[rows])

    @property
    def _watch(self) -> Watch | None:
        options, terms = self.judge.choices.silence, TermsOfSilence(self.judge)
        where = self.topic_partition
        return None if options is None else Watch(self.judge.group, where, options, terms.severity, terms.unmuted)

    def _advance(self, readings: Readings) -> Progress:
        """Score readings in order, cutting them where an epoch ends."""
        progress = Progress()
        while len(readings):
            ahead = readings.take(slice(epoch.MAX_READINGS))  # beyond, series would have rows before they need them
            with self.judge.phases.measure("order"):
                rows = self.series.of(ahead.series)
                self.columns.ensure(self.series.height)
                verdict = order.judge(ahead, rows, self.columns, self.judge.choices.order)
                before = self.epoch
                stop, ends, self.epoch = before.cut(ahead.timestamp, verdict.accepted)
                heard = np.flatnonzero(verdict.accepted[:stop])
                eviction.remember(ahead.timestamp[heard], rows[heard], before.watermark, self.columns)
            with self.judge.phases.measure("step"):
                self._score(ahead, rows, verdict, stop, progress)
            if ends:
                with self.judge.phases.measure("order"):
                    self._end_epoch(progress, (int(ahead.offset[stop - 1]), int(ahead.index[stop - 1])))
            readings = readings.take(slice(stop, None))
        return progress

    def _end_epoch(self, progress: Progress, ended_by: tuple[int, int]) -> None:
        """What happens to the state between two epochs, and at no other time. ended_by: a reading's offset, index."""
        lasted = self.epoch.milliseconds
        before, self.pool = self.pool, close_epoch(self.pool, lasted)
        self._closed = before, self.pool
        if noticed := self.drift.close_epoch(self.judge.artifact.prior.numpy()):
            progress.drifts.append(drift.drifts_of(self.judge.group, self.topic_partition, self.epoch, noticed))
        if self.shadow is not None:
            self.shadow.close_epoch(lasted)
        self._evict(progress, ended_by)
        self.epoch = self.epoch.next()
        progress.epochs_closed += 1

    def _evict(self, progress: Progress, ended_by: tuple[int, int]) -> None:
        """Forget the series that have to go, and give their rows back as if nobody had ever had them."""
        heard = self.columns["heard"][: self.series.height]
        rows = eviction.choose(heard, self.epoch.watermark, self.series.names, self.judge.choices.eviction)
        if not len(rows):
            return
        self._take_leave(rows, progress, ended_by)
        for earlier in progress.rows:
            earlier[np.isin(earlier, rows)] = PADDING_ROW
        progress.evicted += self.series.names(rows)
        progress.released.append(rows)
        self.series.release(rows)
        self.columns.reset(rows)
        self.table.reset(torch.from_numpy(rows))
        self._terms.forget(rows)
        if self.shadow is not None:
            self.shadow.forget(rows)

    def _take_leave(self, rows: Int64, progress: Progress, ended_by: tuple[int, int]) -> None:
        """Close what is open of the series that have to go: nothing else will ever close it."""
        names = np.array(self.series.names(rows), dtype=object)
        by_name = np.argsort(names)
        names, rows = names[by_name], rows[by_name]
        watermark = order.NEVER if self.epoch.watermark is None else self.epoch.watermark
        state = self.table.layout.views(self.table.gather(torch.from_numpy(rows).to(self.table.device)))
        gone = Gone(names, rows, state["alarm_score"].double().cpu().numpy())
        alarms = self._openings.forgotten(gone, watermark, ended_by)
        if alarms is not None:
            progress.alarms.append(alarms)
        if self._watch is not None:
            last_seen, silent_since = self.columns["last_timestamp"][rows], self.columns["silent_since"][rows]
            ended = self._watch.forgotten(names, watermark, last_seen, silent_since)
            if len(ended):
                progress.silences.append(ended)

    @property
    def _openings(self) -> Openings:
        return Openings(self.judge, self.topic_partition, self.columns)

    def _score(self, readings: Readings, rows: Int64, verdict: Verdict, stop: int, progress: Progress) -> None:
        accepted = verdict.accepted.copy()
        accepted[stop:] = False
        which = slice(None) if accepted.all() else accepted
        progress.verdicts.append((readings.take(slice(stop)), verdict.until(stop)))
        if not accepted.any():
            return
        scored, rows, elapsed = readings.take(which), rows[which], verdict.elapsed_seconds[which]
        scorer = Scorer(self.judge, self.table)
        terms = self._terms_of(scored, rows, elapsed)
        came = scorer.score(scored, rows, terms, self.pool)
        self.pool = came.pool
        self.drift.count(counted(came.outcome.raw_surprise[came.outcome.has_scale]).numpy())
        if self.shadow is not None:
            progress.duels.append(self.shadow.follow(scored, rows, terms, came))
        self._end_silences(scored, rows, verdict.before[which], progress)
        order.remember(scored, rows, self.columns)
        results = came.results(self.judge, scored)
        progress.results.append(results)
        progress.rows.append(rows)
        alarms = self._openings.alarms(results, rows, terms, came)
        if alarms is not None:
            progress.alarms.append(alarms)

    def _terms_of(self, scored: Readings, rows: Int64, elapsed_seconds: NDArray[np.float32]) -> Terms:
        if self._terms.choices is not self.judge.choices:
            self._terms = TermsOfRows(self.judge.choices)
        return self._terms.of(scored, rows, elapsed_seconds, self.judge)

    def _end_silences(self, scored: Readings, rows: Int64, before: Int64, progress: Progress) -> None:
        watch = self._watch
        if watch is not None:
            ended = watch.ended(scored, before, self.columns["silent_since"][rows])
            silence.forget_ended(self.columns, rows, scored)
            if len(ended):
                progress.silences.append(ended)
