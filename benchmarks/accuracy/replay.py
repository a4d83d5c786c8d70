"""A replay of files side by side: one row a file, each with a state, a pool and epochs of its own, as if it were alone.

What is stepped is what the daemon steps, by the same scorer; only that many partitions of one series share a step.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from accuracy.data import Bool, File, Int64
from connectors.columns import Readings, TopicPartition
from models.calibration.epochs import close_epoch
from models.calibration.pool import Pool, Tally, fold
from models.cells import padded_rows
from models.outcome import Outcome
from streamer import order
from streamer.epoch import MAX_READINGS, Epoch
from streamer.judge import Judge
from streamer.partition import host_parts
from streamer.scoring import Scorer
from streamer.series_rows import PADDING_ROW, HostColumns
from streamer.table import StateTable
from streamer.terms import TermsOfRows

STRETCH = 64  # readings stepped at once, at most; also after which a state that is to be forgotten is


@dataclass(frozen=True, slots=True)
class Track:
    """What came of the accepted readings of one file: columns of `Outcome` and `Explanation` by name."""

    file: File
    accepted: Bool  # (T,) of all readings: late and duplicate ones are not
    columns: dict[str, NDArray[np.generic]]  # (A, ...)

    def scored(self, name: str) -> NDArray[np.generic]:
        """A column for every reading that is scored; one that was rejected has what the one before has. (S, ...)."""
        last = np.cumsum(self.accepted) - 1  # the first reading of a file is accepted
        column: NDArray[np.generic] = self.columns[name][last[self.file.first :]]
        return column


class Replay:
    """Steps files of equal channels through a judge. What of the state it ``forgets`` begins anew in every stretch."""

    def __init__(self, judge: Judge, forgets: tuple[str, ...] = ()) -> None:
        self._judge = judge
        self._forgets = forgets

    @torch.inference_mode()
    def tracks(self, files: Sequence[File], names: Sequence[str]) -> list[Track]:
        """Step all files from their first reading to their last, and keep these columns."""
        lanes = [_Lane.of(self._judge, number, file) for number, file in enumerate(files)]
        table = StateTable(self._judge.detector.columns, self._judge.device)
        table.ensure(1 + len(files))
        scorer = Scorer(self._judge, table)
        kept: list[list[list[NDArray[np.generic]]]] = [[] for _ in files]
        for start, stop in _stretches(lanes):
            if start % STRETCH == 0:
                self._forget(table)
            alive = [lane for lane in lanes if len(lane.readings) > start]
            for lane, outcome in zip(alive, self._step(scorer, alive, start, stop), strict=True):
                lane.learn(outcome, stop)
                said = {**self._judge.detector.explain(outcome)._asdict(), **outcome._asdict()}
                kept[lane.row - 1].append([said[name].numpy() for name in names])
        return [
            Track(
                lane.file, lane.accepted, dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
            )
            for lane, parts in zip(lanes, kept, strict=True)
        ]

    def _step(self, scorer: Scorer, alive: "list[_Lane]", start: int, stop: int) -> Iterator[Outcome]:
        """Step as many readings of each; what came of them, file by file.

        What fills up a step is the last file once more, in rows of its own, so that every row has a pool.
        """
        span, steps = slice(start, stop), stop - start
        filling = padded_rows(len(alive)) - len(alive)
        filled = [*alive, *alive[-1:] * filling]
        of_files = [lane.row for lane in alive]
        rows = np.repeat([*of_files, *range(of_files[-1] + 1, of_files[-1] + 1 + filling)], steps)
        readings = Readings.joined([lane.readings.take(span) for lane in filled])
        elapsed = np.concatenate([lane.elapsed_seconds[span] for lane in filled])
        terms = TermsOfRows(self._judge.choices).of(readings, rows, elapsed, self._judge)
        came = scorer.score(readings, rows, terms, _side_by_side([lane.pool for lane in filled]))
        for place in range(len(alive)):
            yield Outcome(*(column[place * steps : (place + 1) * steps] for column in came.outcome))

    def _forget(self, table: StateTable) -> None:
        fresh = {column.name: column for column in self._judge.detector.columns}
        for name in self._forgets:
            table.views[name][...] = fresh[name].fresh(table.rows)


def _side_by_side(pools: list[Pool]) -> Pool:
    """The pools by which as many rows are judged. What they count together is not looked at."""
    counts, table, lines = (torch.cat([getattr(pool, name) for pool in pools]) for name in ("open", "table", "lines"))
    return replace(pools[0], open=counts, open_tally=Tally.nothing(len(pools)), table=table, lines=lines)


@dataclass(slots=True)
class _Lane:
    """One file on its way: a partition with one series."""

    file: File
    row: int
    accepted: Bool
    readings: Readings  # accepted
    elapsed_seconds: NDArray[np.float32]  # of these
    ends: dict[int, int]  # milliseconds that each epoch lasts, by the number of the reading after it
    pool: Pool

    def learn(self, outcome: Outcome, stop: int) -> None:
        """Count what came of readings, and end the epoch where one ends with them."""
        self.pool = fold(self.pool, outcome.sample)
        if stop in self.ends:
            self.pool = close_epoch(self.pool, self.ends[stop])

    @staticmethod
    def of(judge: Judge, number: int, file: File) -> "_Lane":
        readings = readings_of(file, judge.group)
        columns = HostColumns(host_parts(len(judge.channels))["order"])
        row = np.full(len(readings), PADDING_ROW + 1)
        columns.ensure(PADDING_ROW + 2)
        verdict = order.judge(readings, row, columns, judge.choices.order)
        accepted = readings.take(verdict.accepted)
        return _Lane(
            file=file,
            row=PADDING_ROW + 1 + number,
            accepted=verdict.accepted,
            readings=accepted,
            elapsed_seconds=verdict.elapsed_seconds[verdict.accepted],
            ends=dict(_ends(accepted.timestamp)),
            pool=judge.pool,
        )


def readings_of(file: File, group: str) -> Readings:
    """A file as the readings of the only series of a partition."""
    count = len(file.timestamp)
    return Readings(
        group=group,
        topic_partition=TopicPartition(file.source, 0),
        series=np.full(count, file.name, dtype=object),
        offset=np.arange(count),
        index=np.zeros(count, dtype=np.int64),
        timestamp=file.timestamp,
        values=file.values,
        present=np.isfinite(file.values),
    )


def _ends(timestamp: Int64) -> Iterator[tuple[int, int]]:
    """After how many accepted readings each epoch ends, and how many milliseconds it has lasted."""
    epoch, done = Epoch(), 0
    while done < len(timestamp):
        ahead = timestamp[done : done + MAX_READINGS]
        stop, is_over, epoch = epoch.cut(ahead, np.ones(len(ahead), dtype=bool))
        done += stop
        if is_over:
            yield done, epoch.milliseconds
            epoch = epoch.next()


def _stretches(lanes: Sequence[_Lane]) -> Iterator[tuple[int, int]]:
    """Spans of readings within which no file ends and no epoch of any."""
    lengths = [len(lane.readings) for lane in lanes]
    cuts = {*range(0, max(lengths), STRETCH), *lengths, *(end for lane in lanes for end in lane.ends)}
    yield from itertools.pairwise(sorted(cuts))
