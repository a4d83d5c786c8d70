"""VUS-PR: the volume under the precision-recall surface over thresholds and tolerances, as TSB-AD 1.5 computes it.

Paparrizos et al., 2022, "Volume Under the Surface"; Liu and Paparrizos, 2024, "The Elephant in the Room" (TSB-AD).
Where paper and package differ, the package is followed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

THRESHOLDS = 250
UNKNOWN_WINDOW = 125  # readings, where a series has no period
FIRST_VALUES = 20_000  # that say what the period is
SHORTEST_LAG, LAGS = 3, 400
LONGEST_PERIOD = 300  # readings beyond the shortest lag


def vus_pr(scores: NDArray[np.floating], labels: Bool, window: int) -> float:
    """The mean over tolerances of 0…``window`` readings of the range-aware average precision. NaN without an event.

    scores, labels: (T,). Around each event a fringe of half the tolerance on each side counts in falling part; recall
    is worth the more, the more of the events (those whose fringes touch being one) have an alarm. Thresholds are the
    scores at ``THRESHOLDS`` equally spaced ranks.
    """
    events = runs(labels)
    if not len(events):
        return float("nan")
    ranks = _Ranks.of(np.asarray(scores, dtype=np.float64))
    fringe = _Fringe.of(events, labels, window)
    inside = ranks.among(labels)  # (K,) alarms inside of events
    half, together = -1, np.empty(0)
    precisions = []
    for tolerance in range(window + 1):
        if tolerance // 2 != half:
            half = tolerance // 2
            together = _found_ratio(ranks, _joined(events, half, len(labels)))
        true = inside + ranks.weigh(fringe.at, fringe.worth(tolerance))
        # The length of what was to be found is the mean of that of the events and of that with the fringes alarmed in.
        wanted = labels.sum() + (true - inside) / 2
        recall = np.minimum(true / wanted, 1) * together
        precisions.append(float(np.diff(recall, prepend=0.0) @ (true / ranks.alarms)))
    return float(np.mean(precisions))


def window_of(values: Float64) -> int:
    """The period of a series in readings, by the highest peak of its autocorrelation; 125 where there is none. (T,)."""
    head = values[:FIRST_VALUES]
    lags = _autocorrelation(head)[SHORTEST_LAG:]
    middle = lags[1:-1]
    peaks = np.flatnonzero((middle > lags[:-2]) & (middle > lags[2:])) + 1
    if not len(peaks):
        return UNKNOWN_WINDOW
    best = int(peaks[np.argsort(lags[peaks])[-1]])
    return UNKNOWN_WINDOW if not SHORTEST_LAG <= best <= LONGEST_PERIOD else best + SHORTEST_LAG


def runs(labels: Bool) -> Int64:
    """The runs of true labels: the first reading of each, and its last. (T,) -> (E, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], labels, [False]))))
    return np.stack((edges[::2], edges[1::2] - 1), axis=1)


class _Ranks(NamedTuple):
    """At which threshold each reading is first an alarm. T readings, K thresholds, the highest first."""

    first: Int64  # (T,) number of the threshold
    alarms: Int64  # (K,) readings that are alarms

    @staticmethod
    def of(scores: Float64) -> "_Ranks":
        falling = -np.sort(-scores)
        thresholds = falling[np.linspace(0, len(scores) - 1, THRESHOLDS).astype(int)]
        first = np.searchsorted(-thresholds, -scores, side="left")
        return _Ranks(first, np.cumsum(np.bincount(first, minlength=THRESHOLDS)))

    def among(self, which: Bool) -> Int64:
        """How many of these readings are alarms. (T,) -> (K,)."""
        counts: Int64 = np.cumsum(np.bincount(self.first[which], minlength=THRESHOLDS))
        return counts

    def weigh(self, at: Int64, worth: Float64) -> Float64:
        """What these readings are worth together, as far as they are alarms. (P,) each -> (K,)."""
        return np.cumsum(np.bincount(self.first[at], weights=worth, minlength=THRESHOLDS))


class _Fringe(NamedTuple):
    """The readings around events. P readings, each near one event or more: Q pairs of a reading and an event."""

    at: Int64  # (P,) reading, outside of all events
    which: Int64  # (Q,) place in ``at``
    distance: Int64  # (Q,) readings from the event

    @staticmethod
    def of(events: Int64, labels: Bool, window: int) -> "_Fringe":
        steps = np.arange(1, window // 2 + 1)
        near = np.concatenate(((events[:, :1] - steps).ravel(), (events[:, 1:] + steps).ravel()))
        distance = np.tile(steps, 2 * len(events))
        is_outside = (near >= 0) & (near < len(labels))
        is_outside[is_outside] &= ~labels[near[is_outside]]
        at, which = np.unique(near[is_outside], return_inverse=True)
        return _Fringe(at, which, distance[is_outside])

    def worth(self, tolerance: int) -> Float64:
        """The part that each counts in, 1 at most. -> (P,)."""
        if not len(self.at) or tolerance < 2:
            return np.zeros(len(self.at))
        is_near = self.distance <= tolerance // 2
        parts = np.sqrt(1 - self.distance[is_near] / tolerance)
        return np.minimum(np.bincount(self.which[is_near], weights=parts, minlength=len(self.at)), 1)


def _joined(events: Int64, half: int, readings: int) -> Int64:
    """Events with their fringes, those that touch made one: the first reading of each, and the one after its last."""
    is_apart = events[:-1, 1] + half < events[1:, 0] - half
    starts = np.concatenate((events[:1, 0], events[1:, 0][is_apart])) - half
    ends = np.concatenate((events[:-1, 1][is_apart], events[-1:, 1])) + half
    return np.stack((starts.clip(0), (ends + 1).clip(None, readings)), axis=1)


def _found_ratio(ranks: _Ranks, ranges: Int64) -> Float64:
    """The part of these ranges in which there is an alarm. (E, 2) -> (K,)."""
    first = np.append(ranks.first, THRESHOLDS)
    found = np.minimum.reduceat(first, ranges.ravel())[::2]
    return np.cumsum(np.bincount(found, minlength=THRESHOLDS)) / len(ranges)


def _autocorrelation(values: Float64) -> Float64:
    """At lags from 0, all divided by the length. NaN throughout for a series that never moves. (T,) -> (lags + 1,)."""
    centred = values - values.mean()
    size = 1 << (2 * len(values) - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance = np.fft.irfft(power, size)[: min(LAGS, len(values) - 1) + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Float64 = covariance / covariance[0]
    return ratio
