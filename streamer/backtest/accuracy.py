"""How well the labelled events of one series were found, and of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from connectors.columns import SILENCE, Bool
from streamer.backtest.curves import PrecisionRecall
from streamer.backtest.events import Findings
from streamer.backtest.recorder import History
from streamer.backtest.volume import vus_pr, window_of


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The measures of one series, or of some: sums of what is counted, means of the others. NaN without an event."""

    alarms: Counter[str]  # by kind
    findings: Findings
    vus_pr: float
    auc_pr: float
    best_f1: float

    @staticmethod
    def of(history: History, labels: Bool) -> "Accuracy":
        """Of one series. labels: (N,)."""
        curve = PrecisionRecall.of(history.novelty, labels)
        return Accuracy(
            alarms=Counter(opening.kind for opening in history.openings),
            findings=Findings.of(history.opened, labels, history.timestamp),
            vus_pr=vus_pr(history.novelty, labels, window_of(_known(history.value[:, 0]))),
            auc_pr=curve.area,
            best_f1=curve.best_f1,
        )

    @staticmethod
    def together(parts: Sequence["Accuracy"]) -> "Accuracy":
        """Of all series; those without an event have no part in the means."""
        with_events = [part for part in parts if part.findings.events]

        def mean(values: list[float]) -> float:
            return float(np.mean(values)) if values else float("nan")

        return Accuracy(
            alarms=sum((part.alarms for part in parts), Counter()),
            findings=Findings.together(part.findings for part in parts),
            vus_pr=mean([part.vus_pr for part in with_events]),
            auc_pr=mean([part.auc_pr for part in with_events]),
            best_f1=mean([part.best_f1 for part in with_events]),
        )

    @property
    def alarms_per_day(self) -> float:
        """In one series, of those that the budget counts: no silence. NaN where no time passed."""
        counted = self.alarms.total() - self.alarms[SILENCE]
        return counted / self.findings.days if self.findings.days else float("nan")


def _known(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The values that are there, as if one followed the other. (N,) -> (M,)."""
    known = values[np.isfinite(values)]
    return known if len(known) else np.zeros(1)
