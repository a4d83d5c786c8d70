"""Precision and recall of single readings over all thresholds: AUC-PR, and the best F1, without point adjustment."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


class PrecisionRecall(NamedTuple):
    """At every threshold from the highest down: K different scores."""

    threshold: Float64  # (K,) a reading with at least this score is an alarm
    precision: Float64  # (K,)
    recall: Float64  # (K,) NaN without a labelled reading

    @staticmethod
    def of(scores: NDArray[np.floating], labels: Bool) -> "PrecisionRecall":
        """scores, labels: (T,)."""
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        is_last = np.append(falling[1:] != falling[:-1], True)  # of those with equal scores
        true = np.cumsum(labels[order])[is_last]
        alarms = np.flatnonzero(is_last) + 1
        total = int(labels.sum())
        return PrecisionRecall(falling[is_last], true / alarms, true / (total or np.nan))

    @property
    def area(self) -> float:
        """The average precision: each step of recall at the precision reached with it."""
        return float(np.diff(self.recall, prepend=0.0) @ self.precision)

    @property
    def best_f1(self) -> float:
        """The largest harmonic mean of the two."""
        return float((2 * self.precision * self.recall / (self.precision + self.recall).clip(1e-12)).max())
