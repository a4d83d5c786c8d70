"""Drift: whether the errors of a partition have changed for good, as detectors of river see it at epoch ends.

An epoch is a few quantiles of its errors, each as its rank among those that the artifact made on held-out readings:
about uniform from 0 to 1 while it does as well as there. The reference stays what it is, where the pool follows the
stream and would hide the drift. Nothing of this reaches a score.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from connectors.columns import Drifts, Float32, Int64, TopicPartition

if TYPE_CHECKING:
    from river.base import DriftDetector

NUMBERS = 16  # that an epoch is: readings of one epoch resemble each other, and more would count as more evidence
KEPT_EPOCHS = 256  # that a detector looks back on, at most
_ORDER = np.array([int(f"{number:04b}"[::-1], 2) for number in range(NUMBERS)])  # so that small and large ones mix
_QUANTILES = (np.arange(NUMBERS) + 0.5) / NUMBERS


class AdwinOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adaptive windowing (Bifet, Gavalda, 2007): two parts of the past have means that differ."""

    delta: Annotated[float, Meta(gt=0, lt=1)] = 0.002  # significance


class PageHinkleyOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Page's test (1954): the sum of what lies beyond the mean has grown too large. Slower; sees what creeps."""

    threshold: Annotated[float, Meta(gt=0)] = 50.0  # in errors of 0 to 1, of which an epoch is 16


class DriftOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which detectors drift is noticed; null: not by this one."""

    adwin: AdwinOptions | None = AdwinOptions()
    page_hinkley: PageHinkleyOptions | None = PageHinkleyOptions()


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
        self._windows = {name: _Window(make, (saved or {}).get(name, ())) for name, make in _detectors(options).items()}

    def close_epoch(self, errors: Float32) -> list[Noticed]:
        """Take an epoch in. A detector that has noticed something begins anew."""
        return [
            Noticed(name, *found)
            for name, window in self._windows.items()
            if (found := window.take(errors)) is not None
        ]

    @property
    def saved(self) -> dict[str, Float32]:
        """What each detector has seen since it began. -> name: (epochs, NUMBERS)."""
        return {name: window.content for name, window in self._windows.items()}


class _Window:
    """A detector that has seen exactly what the window holds, whether it came one by one or was read back."""

    def __init__(self, make: Callable[[], "DriftDetector"], epochs: Iterable[Float32]) -> None:
        self._make = make
        self._epochs = list(epochs)
        self._detector = self._anew()

    @property
    def content(self) -> Float32:
        return np.array(self._epochs, dtype=np.float32).reshape(-1, NUMBERS)

    def take(self, errors: Float32) -> tuple[float, float] | None:
        """See an epoch. -> the mean error before and now where that is a change."""
        if len(self._epochs) == KEPT_EPOCHS:
            del self._epochs[: KEPT_EPOCHS // 2]
            self._detector = self._anew()
        self._epochs.append(errors)
        if not _sees(self._detector, errors):
            return None
        before = self.content[:-1].mean() if len(self._epochs) > 1 else np.nan
        self._epochs.clear()
        self._detector = self._anew()
        return float(before), float(errors.mean())

    def _anew(self) -> "DriftDetector":
        detector = self._make()
        for errors in self._epochs:
            _sees(detector, errors)
        return detector


def _sees(detector: "DriftDetector", errors: Float32) -> bool:
    """Feed the errors of an epoch, and say whether any of them was one too many."""
    has_changed = False
    for error in errors.tolist():
        detector.update(error)
        has_changed |= detector.drift_detected
    return has_changed


def _detectors(options: DriftOptions) -> dict[str, Callable[[], "DriftDetector"]]:
    from river.drift import ADWIN, PageHinkley  # noqa: PLC0415  # a second, which a look at a configuration need not take

    found: dict[str, Callable[[], DriftDetector]] = {}
    if (adwin := options.adwin) is not None:
        found["adwin"] = lambda: ADWIN(delta=adwin.delta, clock=NUMBERS)
    if (page_hinkley := options.page_hinkley) is not None:
        found["page_hinkley"] = lambda: PageHinkley(threshold=page_hinkley.threshold)
    return found


def drifts_of(group: str, where: TopicPartition, watermark_ns: int, noticed: list[Noticed]) -> Drifts:
    """The records of what was noticed at the end of an epoch, at the partition's highest event time."""
    identities = [repr((group, *where, "drift", one.detector, watermark_ns)) for one in noticed]
    return Drifts(
        group=group,
        topic_partition=where,
        detector=[one.detector for one in noticed],
        alarm_id=[hashlib.sha256(identity.encode()).hexdigest()[:24] for identity in identities],
        timestamp=np.full(len(noticed), watermark_ns, dtype=np.int64),
        error_before=np.array([one.before for one in noticed]),
        error_now=np.array([one.now for one in noticed]),
    )
