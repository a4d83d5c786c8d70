"""Drift: whether the errors of a partition have changed for good, as detectors of river see it at epoch ends.

Errors are calibrated by those that the artifact made on held-out readings: an epoch is a few quantiles of its raw
surprise, each as its rank among theirs, about uniform from 0 to 1 while the artifact does as well as there. The pool is
no such reference: it follows the stream, and would hide what creeps. Nothing of this reaches a score.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Float32, Int64, TopicPartition
from connectors.drifts import DRIFT, Drifts
from models.calibration.prior import BINS
from streamer.drift_options import AdwinOptions, DriftOptions, PageHinkleyOptions
from streamer.epoch import Epoch

if TYPE_CHECKING:
    from river.base import DriftDetector

NUMBERS = 16  # that an epoch is: readings of one epoch resemble each other, and more would count as more evidence
KEPT_EPOCHS = 256  # that a detector looks back on, at most
_OPEN = "open"
_ORDER = np.array([int(f"{number:04b}"[::-1], 2) for number in range(NUMBERS)])  # so that small and large ones mix
_QUANTILES = (np.arange(NUMBERS) + 0.5) / NUMBERS


class Noticed(NamedTuple):
    """A change that a detector has noticed: the mean error before it, and in the epoch that gave it away."""

    detector: str
    before: float
    now: float


def errors_of(counts: Int64, reference: Int64) -> Float32:
    """What an epoch is to the detectors. counts, reference: (BINS,) of errors, by size -> (NUMBERS,), 0 to 1."""
    rank = (np.cumsum(reference) - reference / 2) / max(reference.sum(), 1)
    bins = np.searchsorted(np.cumsum(counts), _QUANTILES * counts.sum(), side="right")
    errors: Float32 = rank[np.minimum(bins, len(rank) - 1)][_ORDER].astype(np.float32)
    return errors


class DriftWatch:
    """The detectors of one partition. What they have seen is all their state, so that it can be kept as numbers."""

    def __init__(self, options: DriftOptions, saved: Mapping[str, NDArray[Any]] | None = None) -> None:
        """Begin anew, or where ``saved`` was taken from a watch of the same options."""
        self.options = options
        saved = saved or {}
        self._open: Int64 = saved.get(_OPEN, np.zeros(BINS, dtype=np.int64))
        self._windows = {name: _Window(make, saved.get(name, ())) for name, make in _detectors(options).items()}

    def under(self, options: DriftOptions) -> "DriftWatch":
        """The watch by these options: this one, or one that begins anew."""
        return self if options == self.options else DriftWatch(options)

    def count(self, counts: Int64) -> None:
        """Add errors to the epoch that goes on. counts: (BINS,) of raw surprise, as in an artifact's prior."""
        self._open = self._open + counts

    def close_epoch(self, reference: Int64) -> list[Noticed]:
        """Take the epoch in; one without errors is none. reference: (BINS,) of errors on held-out readings.

        A detector that has noticed something begins anew.
        """
        counts, self._open = self._open, np.zeros_like(self._open)
        if not counts.any():
            return []
        errors = errors_of(counts, reference)
        found = {name: window.take(errors) for name, window in self._windows.items()}
        return [Noticed(name, *change) for name, change in found.items() if change is not None]

    @property
    def saved(self) -> dict[str, NDArray[Any]]:
        """What was counted, and what each detector has seen since it began: (epochs, NUMBERS) by its name."""
        return {_OPEN: self._open, **{name: window.content for name, window in self._windows.items()}}


class _Window:
    """A detector that has seen exactly what the window holds, whether it came one by one or was read back."""

    def __init__(self, make: "Callable[[], DriftDetector]", epochs: Iterable[Float32]) -> None:
        self._make = make
        self._epochs = list(epochs)
        self._detector: DriftDetector | None = None  # until an epoch ends: river takes seconds to import

    @property
    def content(self) -> Float32:
        """What it has seen. -> (epochs, NUMBERS)."""
        return np.array(self._epochs, dtype=np.float32).reshape(-1, NUMBERS)

    def take(self, errors: Float32) -> tuple[float, float] | None:
        """See an epoch. -> the mean error before and now where that is a change."""
        if len(self._epochs) == KEPT_EPOCHS:
            del self._epochs[: KEPT_EPOCHS // 2]
            self._detector = None
        self._detector = self._detector or self._anew()
        if not _sees(self._detector, errors):
            self._epochs.append(errors)
            return None
        before = self.content if self._epochs else errors
        self._epochs.clear()
        return float(before.mean()), float(errors.mean())

    def _anew(self) -> "DriftDetector":
        detector = self._make()
        for errors in self._epochs:
            _sees(detector, errors)
        return detector


def _sees(detector: "DriftDetector", errors: Float32) -> bool:
    """Feed the errors of an epoch up to one too many, if there is one: with the next after it, river begins anew."""
    for error in errors.tolist():
        detector.update(error)
        if detector.drift_detected:
            return True
    return False


def _detectors(options: DriftOptions) -> "dict[str, Callable[[], DriftDetector]]":
    found: dict[str, Callable[[], DriftDetector]] = {}
    if options.adwin is not None:
        found["adwin"] = partial(_adwin, options.adwin)
    if options.page_hinkley is not None:
        found["page_hinkley"] = partial(_page_hinkley, options.page_hinkley)
    return found


def _adwin(options: AdwinOptions) -> "DriftDetector":
    from river.drift import ADWIN  # noqa: PLC0415  # it takes seconds

    return ADWIN(delta=options.delta, clock=NUMBERS)


def _page_hinkley(options: PageHinkleyOptions) -> "DriftDetector":
    from river.drift import PageHinkley  # noqa: PLC0415  # as above

    return PageHinkley(threshold=options.threshold)


def drifts_of(group: str, where: TopicPartition, ended: Epoch, noticed: list[Noticed]) -> Drifts:
    """The records of what was noticed at the end of an epoch, at the partition's highest event time."""
    identities = [repr((group, *where, DRIFT, one.detector, ended.watermark)) for one in noticed]
    return Drifts(
        group=group,
        topic_partition=where,
        detector=[one.detector for one in noticed],
        alarm_id=[hashlib.sha256(identity.encode()).hexdigest()[:24] for identity in identities],
        timestamp=np.full(len(noticed), ended.watermark, dtype=np.int64),
        error_before=np.array([one.before for one in noticed]),
        error_now=np.array([one.now for one in noticed]),
    )
