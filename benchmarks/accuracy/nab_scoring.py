"""The scoring rules of the Numenta Anomaly Benchmark, by its paper (Lavin and Ahmad, 2015): one threshold for all.

Of a window the earliest alarm counts, the more the earlier; every alarm outside of windows costs, the less the sooner
after one; a window without an alarm costs. The first readings of a file are on probation and count for nothing. Scores
are scaled so that no alarm at all has 0, and one at the first reading of each window and none elsewhere has 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accuracy.data import Bool, Float64, Int64, spans

PROBATION_RATIO, LONGEST = 0.15, 5000  # of a file, of which no more than so many readings are counted
FAR = 3.0  # window lengths behind a window, from which on a false alarm costs all


@dataclass(frozen=True, slots=True)
class Profile:
    """What each kind of outcome weighs."""

    name: str
    true_positive: float = 1.0
    false_negative: float = 1.0
    false_positive: float = 0.11


PROFILES = (
    Profile("standard"),
    Profile("low FP", false_positive=0.22),
    Profile("low FN", false_negative=2.0),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The readings of some files that count, one after the other: what an alarm at each would be worth. Shape (N,)."""

    scores: Float64
    worth: Float64  # of an alarm there: positive inside of windows, negative outside
    window: Int64  # the number of the window, -1 outside
    windows: int  # of all files, those without a reading that counts among them

    @staticmethod
    def of(scores: Sequence[NDArray[np.floating]], labels: Sequence[Bool]) -> "Sheet":
        """Lay out files, each by its scores and its labels. (T,) each; a window is a run of labels."""
        worths, windows, kept, count = [], [], [], 0
        for score, label in zip(scores, labels, strict=True):
            if len(score) != len(label):
                raise ValueError(f"expected a score for each of {len(label)} labels, got {len(score)}")
            worth, window = _worth(label)
            start = probation(len(label))
            kept.append(np.asarray(score, dtype=np.float64)[start:])
            worths.append(worth[start:])
            windows.append(np.where(window < 0, -1, window + count)[start:])
            count += len(spans(label))
        return Sheet(np.concatenate(kept), np.concatenate(worths), np.concatenate(windows), count)

    def at(self, threshold: float, profile: Profile) -> float:
        """The score of alarms wherever a reading's score is at least this."""
        thresholds, scores = self.sweep(profile)
        reached = np.flatnonzero(thresholds >= threshold)
        return float(scores[reached[-1]])

    def best(self, profile: Profile) -> tuple[float, float]:
        """The threshold that scores best, and its score: infinite where silence does."""
        thresholds, scores = self.sweep(profile)
        best = int(scores.argmax())
        return float(thresholds[best]), float(scores[best])

    def sweep(self, profile: Profile) -> tuple[Float64, Float64]:
        """Every threshold from infinity down to the lowest score, and the score it has. (K,) each."""
        order = np.argsort(-self.scores, kind="stable")
        threshold, worth, window = self.scores[order], self.worth[order], self.window[order]
        gain = np.where(window < 0, worth * profile.false_positive, 0.0)
        for inside in _groups(window):  # of one window, in falling order of score
            reached = np.maximum.accumulate(worth[inside]) * profile.true_positive
            gain[inside] = np.diff(reached, prepend=-profile.false_negative)
        raw = np.concatenate(([0.0], np.cumsum(gain)))
        is_last = np.concatenate(([True], threshold[1:] != threshold[:-1], [True]))  # of those with equal scores
        perfect = self.windows * (profile.true_positive + profile.false_negative)
        return np.concatenate(([np.inf], threshold))[is_last], 100 * raw[is_last] / max(perfect, 1e-12)


def probation(readings: int) -> int:
    """How many readings at the beginning of a file count for nothing."""
    return int(min(np.floor(PROBATION_RATIO * readings), PROBATION_RATIO * LONGEST))


def blind_clock(readings: int) -> Float64:
    """The scores of a detector that looks at no data: an alarm at the end of every half probation."""
    scores = np.zeros(readings)
    interval = max(1, probation(readings) // 2)
    scores[interval - 1 :: interval] = 1.0
    return scores


def _worth(labels: Bool) -> tuple[Float64, Int64]:
    """What an alarm at each reading is worth at weights of 1, and the number of its window or -1. (T,) each."""
    at = np.arange(len(labels))
    windows = spans(labels)
    window = np.full(len(labels), -1)
    worth = np.full(len(labels), -1.0)
    for number, (start, stop) in enumerate(windows):
        inside = at[start:stop]
        window[inside] = number
        worth[inside] = _falling((inside - stop) / (stop - start)) / _falling(np.array(-1.0))
        behind = at[stop : windows[number + 1][0] if number + 1 < len(windows) else None]
        worth[behind] = _falling((behind - (stop - 1)) / max(stop - start - 1, 1))
    return worth, window


def _falling(position: Float64) -> Float64:
    """From 1 well before the right edge of a window, in units of its length, by 0 at the edge to -1 well behind it."""
    scaled: Float64 = np.where(position > FAR, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, FAR))) - 1)
    return scaled


def _groups(window: Int64) -> list[Int64]:
    """The positions of each window's readings, in rising order."""
    inside = np.flatnonzero(window >= 0)
    by_window = inside[np.argsort(window[inside], kind="stable")]
    return np.split(by_window, np.flatnonzero(np.diff(window[by_window])) + 1) if len(inside) else []
