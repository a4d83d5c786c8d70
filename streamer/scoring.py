"""Scoring: takes accepted readings through the detector, round by round, and puts the verdicts back in order."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from connectors import columns
from connectors.columns import Bool, Int64, Readings, Results
from models.alarm import KINDS
from models.calibration.pool import Pool, fold
from models.context import Context
from models.outcome import Ahead, Explanation, Outcome
from models.reasons import Reasons, reasons
from streamer.judge import Judge
from streamer.rounds import MAX_ROUND_ROWS, Rounds
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

    def results(self, judge: Judge, readings: Readings) -> Results:
        """The same as it leaves us. readings: those that it came of."""
        outcome, explanation = self.outcome, self.explanation
        horizons = tuple(judge.choices.horizons[1:])
        return Results(
            readings=readings,
            channels=judge.channels,
            value=outcome.value.numpy(),
            forecast=outcome.forecast.numpy(),
            lower=explanation.lower.numpy(),
            upper=explanation.upper.numpy(),
            anomaly_score=outcome.anomaly_score.numpy().astype(np.float64),
            novelty=outcome.novelty.numpy().astype(np.float64),
            surge=outcome.surge.numpy().astype(np.float64),
            p_value=10.0 ** -outcome.joint_surprise.numpy().astype(np.float64),
            shares=explanation.shares.numpy().astype(np.float64),
            is_anomalous=outcome.is_open.any(1).numpy(),
            warming=outcome.warming.numpy(),
            artifact=judge.artifact.name,
            ahead=self.ahead and columns.Ahead(horizons, *(column.numpy() for column in self.ahead)),
        )


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

        Each round is padded with a reading of nothing to whole tiles at least, so that no bit depends on the batch.
        """
        self._table.ensure(int(rows.max()) + 1)
        rounds = Rounds(rows, MAX_ROUND_ROWS[self._device.type], self._judge.step.padded_rows)
        row = self._in_rounds(rounds, rows, PADDING_ROW)
        values = self._in_rounds(rounds, np.nan_to_num(readings.values), 0.0)
        present = self._in_rounds(rounds, readings.present, False)
        contexts = self._contexts(rounds, readings, terms)
        is_far = len(self._detector.forecaster.horizons) > 1
        said, views, whys = [], [], []
        for number, (at, context) in enumerate(zip(row, contexts, strict=True)):
            before = self._table.gather(at)
            told, after = self._judge.step.packed(before, values[number], present[number], context, pool)
            self._table.scatter(at[: len(rounds.positions[number])], after)
            said.append(told)
            if self._judge.step.has_opened(told):
                whys.append(self._reasons(self._judge.step.outcome(told), before, rounds.positions[number]))
            if is_far:
                views.append(self._detector.ahead(self._table.layout.views(after)))
        back = self._on_device(rounds.back)
        whole = torch.cat(said).index_select(0, back)
        joined = self._judge.step.outcome(whole)
        explanation, host = self._detector.explain(joined), whole.cpu()
        return Scored(
            joined if host is whole else self._judge.step.outcome(host),
            Explanation(*_on_host(explanation)),
            Ahead(*_on_host(_joined(views, back))) if is_far else None,
            _in_order(whys),
            fold(pool, (joined if terms.learns is None else _taken(joined, terms.learns)).sample),
        )

    def _contexts(self, rounds: Rounds, readings: Readings, terms: Terms) -> list[Context]:
        """What each step is told, a round each."""
        given = (
            (terms.elapsed_seconds, np.nan),
            (self._judge.calendar.phases(readings.timestamp), 0.0),
            (terms.rule, 0),
            (terms.is_muted, False),
            (terms.learns, True),
            (terms.tolerance, 1.0),
        )
        nothing = (None,) * len(rounds.positions)
        told = (nothing if column is None else self._in_rounds(rounds, column, filling) for column, filling in given)
        return [Context(*one) for one in zip(*told, strict=True)]

    def _in_rounds(self, rounds: Rounds, column: NDArray[Any], filling: Any) -> tuple[torch.Tensor, ...]:
        """A column as it is stepped, on the device. (N, …) -> (B, …) a round."""
        return torch.split(self._on_device(rounds.padded(column, filling)), rounds.sizes)

    def _reasons(self, outcome: Outcome, before: torch.Tensor, positions: Int64) -> Reasons:
        """Why alarms opened in a round, by number of the reading. before: (B, words)."""
        why = reasons(outcome, self._table.layout.views(before), self._detector.forecaster)
        return why._replace(at=self._on_device(positions)[why.at])

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
