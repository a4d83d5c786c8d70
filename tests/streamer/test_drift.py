"""Drift: errors that change for good are noticed, those that do not are not, and what was seen is all that is kept."""

from collections.abc import Iterator

import numpy as np
import pytest
from river.drift import ADWIN, PageHinkley

from models.pool import BINS
from streamer import epoch, snapshot
from streamer.checkpoint import decode, encode
from streamer.drift import KEPT_EPOCHS, NUMBERS, AdwinOptions, DriftOptions, DriftWatch, PageHinkleyOptions, errors_of
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings

READINGS = 1000  # of an epoch


def uniform(seed: int, epochs: int, low: float = 0.0, high: float = 1.0) -> list[np.ndarray]:
    """Epochs of errors between two ranks."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, NUMBERS).astype(np.float32) for _ in range(epochs)]


def noticed(watch: DriftWatch, epochs: list[np.ndarray]) -> list[tuple[int, str]]:
    """When each detector noticed something, by the number of the epoch."""
    return [(number, one.detector) for number, errors in enumerate(epochs) for one in watch.close_epoch(errors)]


def counts(scale: float, seed: int) -> np.ndarray:
    """An epoch of surprise, by bins, where errors are ``scale`` times as large as they should be."""
    rng = np.random.default_rng(seed)
    sizes = np.abs(rng.normal(size=READINGS)) * scale
    return np.bincount(np.minimum((sizes * 20).astype(int), BINS - 1), minlength=BINS)


REFERENCE = sum(counts(1.0, seed) for seed in range(100, 120))


def test_errors_as_on_held_out_readings_have_ranks_from_nought_to_one() -> None:
    errors = errors_of(counts(1.0, 0), REFERENCE)

    np.testing.assert_allclose(np.sort(errors), (np.arange(NUMBERS) + 0.5) / NUMBERS, atol=0.06)
    halves = errors.reshape(4, -1).mean(1)
    assert np.ptp(halves) < 0.25  # small and large ones mix


@pytest.mark.parametrize(("scale", "side"), [(2.0, 1), (0.5, -1)])
def test_errors_that_grow_or_shrink_are_noticed_within_a_few_epochs(scale: float, side: int) -> None:
    watch = DriftWatch(DriftOptions())
    before = [errors_of(counts(1.0, seed), REFERENCE) for seed in range(60)]
    after = [errors_of(counts(scale, seed), REFERENCE) for seed in range(60, 100)]

    quiet = noticed(watch, before)
    found = [(number, one) for number, errors in enumerate(after) for one in watch.close_epoch(errors)]

    assert quiet == []
    assert {one.detector: number for number, one in found}.keys() == {"adwin", "page_hinkley"}
    number, first = found[0]
    assert (first.detector, number <= 6) == ("adwin", True)
    assert np.sign(first.now - first.before) == side


def test_errors_that_stay_as_they_are_tell_of_no_drift_in_a_thousand_epochs() -> None:
    assert noticed(DriftWatch(DriftOptions()), uniform(0, 1000)) == []


def test_the_detectors_are_rivers_as_they_come() -> None:
    epochs = [*uniform(1, 40), *uniform(2, 30, 0.4), *uniform(3, 30, 0.0, 0.5)]
    expected = []
    for name, detector in (("adwin", ADWIN(clock=NUMBERS)), ("page_hinkley", PageHinkley())):
        skipped = False
        for number, errors in enumerate(epochs):
            for error in errors.tolist():
                detector.update(error)
                if detector.drift_detected:
                    expected.append((number, name))
                    skipped = True
                    break
            if skipped:
                break

    found = noticed(DriftWatch(DriftOptions()), epochs)

    assert len(expected) == 2
    first = {name: next(number for number, other in found if other == name) for name in ("adwin", "page_hinkley")}
    assert first == {name: number for number, name in expected}


@pytest.mark.parametrize("cut", [1, 39, 45, KEPT_EPOCHS, KEPT_EPOCHS + 1, 400])
def test_a_watch_that_was_read_back_goes_on_as_the_one_that_was_not(cut: int) -> None:
    epochs = [*uniform(4, 380), *uniform(5, 60, 0.2), *uniform(6, 60)]
    whole = DriftWatch(DriftOptions())

    expected = noticed(whole, epochs)

    first = DriftWatch(DriftOptions())
    found = noticed(first, epochs[:cut])
    second = DriftWatch(DriftOptions(), first.saved)
    found += [(number + cut, name) for number, name in noticed(second, epochs[cut:])]
    assert found == expected
    assert len(expected) >= 2
    assert all(np.array_equal(seen, whole.saved[name]) for name, seen in second.saved.items())


def test_what_is_kept_is_bounded() -> None:
    watch = DriftWatch(DriftOptions())

    noticed(watch, uniform(7, 3 * KEPT_EPOCHS))

    assert all(KEPT_EPOCHS // 2 <= len(seen) <= KEPT_EPOCHS for seen in watch.saved.values())
    assert sum(seen.nbytes for seen in watch.saved.values()) <= 40_000


def test_a_detector_that_is_not_asked_for_says_nothing() -> None:
    watch = DriftWatch(DriftOptions(adwin=None, page_hinkley=PageHinkleyOptions(threshold=5.0)))

    found = noticed(watch, [*uniform(8, 40), *uniform(9, 40, 0.5)])

    assert {name for _, name in found} == {"page_hinkley"}


@pytest.fixture
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(epoch, "MAX_READINGS", 256)
    yield


def shaken(count: int, sizes: list[float]) -> "list[object]":
    """Batches of readings of 32 series, each batch with noise of its own size."""
    rng = np.random.default_rng(0)
    names, batches = [f"pump-{number % 32}" for number in range(count)], []
    for number, size in enumerate(sizes):
        seconds = np.arange(number * count, (number + 1) * count) / 32
        values = np.where(rng.random(count) < size, rng.normal(size=count) * 20, rng.normal(size=count))
        batches.append(readings(names, list(seconds), values[:, None], number * count))
    return batches


@pytest.mark.usefixtures("short_epochs")
def test_a_partition_tells_of_a_drift_once_and_goes_on_the_same_from_a_checkpoint() -> None:
    ours = judge(forecaster="ewma")
    batches = shaken(256 * 12, [0.0, 0.0, 0.3])
    whole, parted = Partition(ours, WHERE), Partition(ours, WHERE)

    expected = [told for batch in batches for told in whole.advance(batch).drifts]
    found = []
    for batch in batches:
        found += parted.advance(batch).drifts
        parted = snapshot.restored(decode(b"".join(encode(snapshot.take(parted, 0))), "test"), ours)

    assert [(told.detector, told.timestamp.tolist(), told.alarm_id) for told in found] == [
        (told.detector, told.timestamp.tolist(), told.alarm_id) for told in expected
    ]
    change_ns = 2 * len(batches[0]) // 32 * 1_000_000_000
    assert "adwin" in expected[0].detector
    assert expected[0].timestamp[0] > change_ns
    assert expected[0].error_now[0] > expected[0].error_before[0]


@pytest.mark.usefixtures("short_epochs")
def test_other_options_and_other_weights_begin_anew() -> None:
    before = judge(forecaster="ewma")
    partition = Partition(before, WHERE)
    (batch,) = shaken(256 * 4, [0.0])
    partition.advance(batch)
    seen = partition.drift

    partition.adopt(before)
    kept = partition.drift is seen
    partition.adopt(judge(forecaster="ewma", drift=DriftOptions(adwin=AdwinOptions(delta=0.1))))

    assert kept
    assert {name: len(found) for name, found in seen.saved.items()} == {"adwin": 4, "page_hinkley": 4}
    assert {name: len(found) for name, found in partition.drift.saved.items()} == {"adwin": 0, "page_hinkley": 0}
