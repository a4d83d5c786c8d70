"""Scoring: takes accepted readings through the detector, round by round, and puts the verdicts back in order."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from connectors.columns import Int64, Readings
from models.calibration.pool import Pool, fold
from models.cells import padded_rows
from models.context import Context
from models.outcome import Ahead, Explanation, Outcome
from streamer.judge import Judge
from streamer.rounds import split_rounds
from streamer.series_rows import PADDING_ROW
from streamer.table import StateTable


class Scored(NamedTuple):
    """What came of N readings, in offset order, on the host."""

    outcome: Outcome
    explanation: Explanation
    ahead: Ahead | None  # None where the next reading alone is forecast
    pool: Pool  # that counted them


class Scorer:
    """A judge over the state table of one partition."""

    def __init__(self, judge: Judge, table: StateTable) -> None:
        self._detector = judge.detector
        self._calendar = judge.calendar
        self._tolerances = judge.tolerances
        self._table = table
        self._device = table.device

    @torch.inference_mode()
    def score(self, readings: Readings, rows: Int64, elapsed_seconds: NDArray[np.float32], pool: Pool) -> Scored:
        """Judge and learn readings of one epoch. rows: (N,), elapsed_seconds: (N,).

        Each round is padded with a reading of nothing to a size of the ladder, so that no bit depends on the batch.
        """
        count = len(readings)
        self._table.ensure(int(rows.max()) + 1)
        values = self._padded(np.nan_to_num(readings.values), 0.0)
        present = self._padded(readings.present, False)
        elapsed = self._padded(elapsed_seconds, np.nan)
        phases = self._padded(self._calendar.phases(readings.timestamp), 0.0)
        factor = self._tolerances.of(readings)
        tolerance = None if factor is None else self._padded(factor, 1.0)
        row = self._padded(rows, PADDING_ROW)
        rounds = split_rounds(rows)
        sizes = [padded_rows(len(positions)) for positions in rounds]
        padded = [
            np.pad(positions, (0, size - len(positions)), constant_values=count)
            for positions, size in zip(rounds, sizes, strict=True)
        ]
        places = torch.split(self._on_device(np.concatenate(padded)), sizes)
        is_far = len(self._detector.forecaster.horizons) > 1
        outcomes, views = [], []
        for at, positions in zip(places, rounds, strict=True):
            size = len(positions)
            at_row = row[at]
            v, p, e, c = (column.index_select(0, at) for column in (values, present, elapsed, phases))
            told = Context.of(e, c)._replace(tolerance=None if tolerance is None else tolerance.index_select(0, at))
            outcome, state = self._detector.step(v, p, told, self._table.gather(at_row), pool)
            self._table.scatter(at_row[:size], state)
            outcomes.append([column[:size] for column in outcome])
            if is_far:
                views.append([column[:size] for column in self._detector.ahead(state)])
        back = self._on_device(np.argsort(np.concatenate(rounds)))
        joined = Outcome(*_joined(outcomes, back))
        explanation = self._detector.explain(joined)
        return Scored(
            Outcome(*_on_host(joined)),
            Explanation(*_on_host(explanation)),
            Ahead(*_on_host(_joined(views, back))) if is_far else None,
            fold(pool, joined.sample),
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


def _joined(rounds: list[list[torch.Tensor]], back: torch.Tensor) -> list[torch.Tensor]:
    """The columns of all rounds, each in one piece, in offset order."""
    return [torch.cat(columns).index_select(0, back) for columns in zip(*rounds, strict=True)]


def _on_host(columns: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return [column.cpu() for column in columns]
