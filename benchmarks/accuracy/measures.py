"""What a score is worth on a file, and the mean over files: ranking measures under two protocols, and alarms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from accuracy.contenders import Scores
from accuracy.data import Bool, File, Float64, Half
from streamer.backtest.curves import PrecisionRecall
from streamer.backtest.events import Findings
from streamer.backtest.volume import vus_pr, window_of

MUTED = 256  # readings at the beginning of what is scored, under protocol A
PREFIX_RATIO = 0.25  # of what is scored, at most, is muted under protocol B, as far as it has no event

Protocol = Literal["A", "B"]
"""A uses no label anywhere. B mutes a prefix of each file without an event: somebody has looked at it before."""

Part = Literal["A", "B", "all"]
PARTS: tuple[Part, ...] = ("A", "B", "all")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One score on one file with an event."""

    half: Half
    vus_pr: float
    auc_pr: float
    best_f1: float
    vus_pr_b: float  # under protocol B


def ranked(row: Scores, files: Sequence[File]) -> list[Ranked]:
    """Its measures on every file that has an event."""
    return [_ranked(score, file) for score, file in zip(row.scores, files, strict=True) if file.labels.any()]


def mean(measures: Sequence[Ranked], value: Callable[[Ranked], float], part: Part = "all") -> float:
    """The mean of a measure over the files of a half, or over all; NaN where there is none."""
    values = [value(one) for one in measures if part in (one.half, "all")]
    return float(np.mean(values)) if values else float("nan")


def found(row: Scores, files: Sequence[File]) -> Findings:
    """What the alarms of a detector found, muted as under protocol A."""
    if row.opened is None:
        raise ValueError(f"{row.name}: expected alarms, got a score without")
    return Findings.together(
        Findings.of(opened & (np.arange(len(opened)) >= MUTED), file.labels, file.timestamp[file.first :])
        for opened, file in zip(row.opened, files, strict=True)
    )


def muted(score: Float64, labels: Bool, protocol: Protocol) -> Float64:
    """The score with its lowest value wherever it is not to be heard. (S,) each."""
    until = MUTED
    if protocol == "B":
        until = min(int(PREFIX_RATIO * len(labels)), int(labels.argmax()) if labels.any() else len(labels))
    return np.where(np.arange(len(score)) < until, score.min(), score)


def _ranked(score: Float64, file: File) -> Ranked:
    window = window_of(file.scored[:, 0])
    heard = muted(score, file.labels, "A")
    curve = PrecisionRecall.of(heard, file.labels)
    return Ranked(
        half=file.half,
        vus_pr=vus_pr(heard, file.labels, window),
        auc_pr=curve.area,
        best_f1=curve.best_f1,
        vus_pr_b=vus_pr(muted(score, file.labels, "B"), file.labels, window),
    )
