"""Scoring: takes accepted readings through the detector, round by round, and puts the verdicts back in order."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from connectors.columns import Bool, Int64, Readings
from models.alarm import KINDS
from models.calibration.pool import Pool, fold
from models.cells import padded_rows
from models.context import Context
from models.outcome import Ahead, Explanation, Outcome
from models.reasons import Reasons, reasons
from streamer.judge import Judge
from streamer.rounds import MAX_ROUND_ROWS, split_rounds
from streamer.series_rows import PADDING_ROW
from streamer.table import StateTable
from streamer.terms import Terms


class Scored(NamedTuple):
    """What came of N readings, in offset order, on the host."""

    outcome: Outcome
    explanation: Explanation
    ahead: Ahead | None  # None where the next reading alone is forecast
    reasons: Reasons | None  # of the alarms that opened, by number of the reading and kind; None where none did
    pool: Pool  # that counted them


class Scorer:
    """The detector over the state table of one partition."""

    def __init__(self, judge: Judge, table: StateTable) -> None:
        self._judge = judge
        self._detector = judge.detector
        self._table = table
        self._device = table.device

    @torch.inference_mode()
    def score(self, readings: Readings, rows: Int64, terms: Terms, pool: Pool) -> Scored:
        """Judge readings of one epoch, and learn those that are to be learnt. rows: (N,).

        Each round is padded with a reading of nothing to a size of the ladder, so that no bit depends on the batch.
        """
        count = len(readings)
        self._table.ensure(int(rows.max()) + 1)
        values = self._padded(np.nan_to_num(readings.values), 0.0)
        present = self._padded(readings.present, False)
        context = self._context(readings, terms)
        row = self._padded(rows, PADDING_ROW)
        rounds = split_rounds(rows, MAX_ROUND_ROWS[self._device.type])
        sizes = [padded_rows(len(positions)) for positions in rounds]
        padded = [
            np.pad(positions, (0, size - len(positions)), constant_values=count)
            for positions, size in zip(rounds, sizes, strict=True)
        ]
        places = torch.split(self._on_device(np.concatenate(padded)), sizes)
        is_far = len(self._detector.forecaster.horizons) > 1
        outcomes, views, whys = [], [], []
        for at, positions in zip(places, rounds, strict=True):
            at_row = row[at]
            v, p = values.index_select(0, at), present.index_select(0, at)
            before = self._table.gather(at_row)
            outcome, after = self._judge.step(before, v, p, context.take(at), pool)
            self._table.scatter(at_row[: len(positions)], after)
            outcomes.append(outcome)
            if outcome.opened.any():
                why = reasons(outcome, self._table.layout.views(before), self._detector.forecaster)
                whys.append(why._replace(at=at[why.at]))
            if is_far:
                views.append(self._detector.ahead(self._table.layout.views(after)))
        back = self._on_device(np.argsort(np.concatenate(padded), kind="stable")[:count])  # behind them is the padding
        joined = Outcome(*_joined(outcomes, back))
        explanation = self._detector.explain(joined)
        return Scored(
            Outcome(*_on_host(joined)),
            Explanation(*_on_host(explanation)),
            Ahead(*_on_host(_joined(views, back))) if is_far else None,
            _in_order(whys),
            fold(pool, (joined if terms.learns is None else _taken(joined, terms.learns)).sample),
        )

    def _context(self, readings: Readings, terms: Terms) -> Context:
        """What each step is told, and behind the last reading what it is told of nothing, on the device."""
        return Context(
            elapsed_seconds=self._padded(terms.elapsed_seconds, np.nan),
            calendar=self._padded(self._judge.calendar.phases(readings.timestamp), 0.0),
            rule=self._padded(terms.rule, 0),
            is_muted=self._padded(terms.is_muted, False),
            learns=None if terms.learns is None else self._padded(terms.learns, True),
            tolerance=None if terms.tolerance is None else self._padded(terms.tolerance, 1.0),
        )

    def _padded(self, column: NDArray[Any], filling: Any) -> torch.Tensor:
        """One reading of nothing behind the last, on the device. (N, …) -> (N + 1, …)."""
        last = np.full((1, *column.shape[1:]), filling, dtype=column.dtype)
        return self._on_device(np.concatenate((column, last)))

    def _on_device(self, column: NDArray[Any]) -> torch.Tensor:
        """The column where the state is: on a CUDA device by way of pinned memory, which nobody waits for."""
        tensor = torch.from_numpy(column)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


def _joined(rounds: Sequence[Sequence[torch.Tensor]], back: torch.Tensor) -> list[torch.Tensor]:
    """The columns of all rounds, each in one piece, in offset order."""
    return [torch.cat(columns).index_select(0, back) for columns in zip(*rounds, strict=True)]


def _taken(outcome: Outcome, which: Bool) -> Outcome:
    """The verdicts on some of the readings."""
    places = torch.from_numpy(np.flatnonzero(which)).to(outcome.value.device)
    return Outcome(*(column.index_select(0, places) for column in outcome))


def _in_order(whys: list[Reasons]) -> Reasons | None:
    """The reasons of all rounds, by number of the reading and kind."""
    if not whys:
        return None
    joined = Reasons(*_on_host(map(torch.cat, zip(*whys, strict=True))))
    order = torch.argsort(joined.at * len(KINDS) + joined.kind)
    return Reasons(*(column[order] for column in joined))


def _on_host(columns: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return [column.cpu() for column in columns]
