"""The terms of readings: what the configuration says of each before it is judged, by its series and its time."""

from fnmatch import fnmatchcase, translate
from re import compile as compiled
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Bool, Int64, Readings
from streamer import maintenance
from streamer.config import Choices
from streamer.judge import Judge
from streamer.rules import rule_numbers, severity_of

UNKNOWN, NO, YES = 0, 1, 2


class Terms(NamedTuple):
    """What a step is told of N readings beside their values."""

    elapsed_seconds: NDArray[np.float32]  # (N,) since the reading before; NaN for a first one
    rule: Int64  # (N, C) number of the rule that holds; (N, 1) where there is none for anybody
    is_muted: Bool  # (N,)
    learns: Bool | None  # (N,) None where all are learnt from
    tolerance: NDArray[np.float32] | None  # (N, K) factors of the lines; None where all are 1


class TermsOfSilence(NamedTuple):
    """What the configuration says of series of which nothing comes."""

    judge: Judge

    def severity(self, series: str) -> str:
        """The severity of its silence."""
        return severity_of(self.judge.choices.rules, self.judge.channels, series)

    def unmuted(self, series: NDArray[np.object_], timestamp: Int64) -> Int64:
        """The first moment from each on that no window mutes for the series. (N,), (N,) ns -> (N,) ns."""
        windows = self.judge.choices.maintenance
        if not windows:
            return timestamp
        matches = [[fnmatchcase(name, window.series) for window in windows] for name in series]
        matched = np.array(matches, dtype=np.bool_).reshape(len(series), len(windows))
        return maintenance.unmuted(windows, matched, timestamp, self.judge.calendar)


class TermsOfRows:
    """Gives readings their terms. Which patterns the series of a row matches is found out once, and remembered."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        patterns = [one.series for one in (*choices.rules, *choices.maintenance)]
        self._patterns = [compiled(translate(pattern)) for pattern in patterns]
        self._matches = np.full((0, len(patterns)), UNKNOWN, dtype=np.int8)  # by row

    def of(self, readings: Readings, rows: Int64, elapsed_seconds: NDArray[np.float32], judge: Judge) -> Terms:
        """The terms of readings of these rows, by a judge of the same choices. rows, elapsed_seconds: (N,)."""
        count, rules, windows = len(readings), self.choices.rules, self.choices.maintenance
        tolerance = judge.tolerances.of(readings)
        if not self._patterns:
            no_rule, is_muted = np.zeros((count, 1), dtype=np.int64), np.zeros(count, dtype=np.bool_)
            return Terms(elapsed_seconds, no_rule, is_muted, None, tolerance)
        matches = self._of_rows(readings.series, rows)
        numbers = rule_numbers(rules, judge.channels, matches[:, : len(rules)])
        is_muted, learns = maintenance.switches(windows, matches[:, len(rules) :], readings.timestamp, judge.calendar)
        return Terms(elapsed_seconds, numbers, is_muted, None if learns.all() else learns, tolerance)

    def forget(self, rows: Int64) -> None:
        """Other series will have these rows."""
        self._matches[rows[rows < len(self._matches)]] = UNKNOWN

    def _of_rows(self, series: NDArray[np.object_], rows: Int64) -> Bool:
        """Which patterns the series of each reading matches. (N,), (N,) -> (N, P)."""
        height = int(rows.max()) + 1
        if height > len(self._matches):
            more = max(height, 2 * len(self._matches)) - len(self._matches)
            self._matches = np.pad(self._matches, ((0, more), (0, 0)), constant_values=UNKNOWN)
        unknown = np.flatnonzero(self._matches[rows, 0] == UNKNOWN)
        for row, name in dict(zip(rows[unknown].tolist(), series[unknown].tolist(), strict=True)).items():
            self._matches[row] = [YES if pattern.match(name) else NO for pattern in self._patterns]
        found: Bool = self._matches[rows] == YES
        return found
