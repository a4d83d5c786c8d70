"""Drift: errors that change for good are noticed, those that do not are not, and what was seen is all that is kept."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from river.base import DriftDetector
from river.drift import ADWIN, PageHinkley

from connectors.columns import Readings
from models.calibration.prior import BINS
from streamer import epoch, snapshot
from streamer.checkpoint import decode, encode
from streamer.drift import KEPT_EPOCHS, NUMBERS, DriftWatch, Noticed, errors_of
from streamer.drift_options import AdwinOptions, DriftOptions, PageHinkleyOptions
from streamer.partition import Partition
from streamer.shadow import Learnt, Shadow
from tests.streamer.fleets import WHERE, judge, readings

READINGS = 1000  # of an epoch


def errors(seed: int, epochs: int, scale: float = 1.0) -> list[np.ndarray]:
    """Epochs of surprise, by bins, where errors are ``scale`` times as large as they should be."""
    sizes = np.abs(np.random.default_rng(seed).normal(size=(epochs, READINGS))) * scale
    return [np.bincount(np.minimum((of_epoch * 20).astype(int), BINS - 1), minlength=BINS) for of_epoch in sizes]


REFERENCE = np.sum(errors(100, 20), axis=0)


def noticed(watch: DriftWatch, epochs: list[np.ndarray]) -> list[tuple[int, Noticed]]:
    """What was noticed, each with the number of its epoch."""
    found = []
    for number, counts in enumerate(epochs):
        watch.count(counts)
        found += [(number, one) for one in watch.close_epoch(REFERENCE)]
    return found


def names(found: list[tuple[int, Noticed]]) -> list[tuple[int, str]]:
    return [(number, one.detector) for number, one in found]


def test_errors_as_on_held_out_readings_have_ranks_from_nought_to_one() -> None:
    ranks = errors_of(errors(0, 1)[0], REFERENCE)

    np.testing.assert_allclose(np.sort(ranks), (np.arange(NUMBERS) + 0.5) / NUMBERS, atol=0.06)
    assert np.ptp(ranks.reshape(4, -1).mean(1)) < 0.25  # small and large ones mix


@pytest.mark.parametrize(("scale", "side"), [(2.0, 1), (0.5, -1)])
def test_errors_that_grow_or_shrink_are_noticed_within_a_few_epochs(scale: float, side: int) -> None:
    watch = DriftWatch(DriftOptions())

    quiet = noticed(watch, errors(1, 60))
    found = noticed(watch, errors(2, 40, scale))

    assert quiet == []
    assert {detector for _, detector in names(found)} == {"adwin", "page_hinkley"}
    number, first = found[0]
    assert (first.detector, number <= 6) == ("adwin", True)
    assert np.sign(first.now - first.before) == side


def test_errors_that_stay_as_they_are_tell_of_no_drift_in_a_thousand_epochs() -> None:
    assert noticed(DriftWatch(DriftOptions()), errors(3, 1000)) == []


@pytest.mark.parametrize("quiet", [40, 41])
@pytest.mark.parametrize(("name", "make"), [("adwin", lambda: ADWIN(clock=NUMBERS)), ("page_hinkley", PageHinkley)])
def test_the_detectors_are_rivers_as_they_come(name: str, make: Callable[[], DriftDetector], quiet: int) -> None:
    epochs, detector = [*errors(4, quiet), *errors(5, 60, 1.9)], make()
    expected = None
    for number, counts in enumerate(epochs):
        for error in errors_of(counts, REFERENCE).tolist():
            detector.update(error)
            if detector.drift_detected and expected is None:
                expected = number

    found = noticed(DriftWatch(DriftOptions()), epochs)

    assert expected is not None
    assert next(number for number, other in names(found) if other == name) == expected > quiet


@pytest.mark.parametrize("cut", [1, 39, 45, KEPT_EPOCHS, KEPT_EPOCHS + 1, 400])
def test_a_watch_that_was_read_back_goes_on_as_the_one_that_was_not(cut: int) -> None:
    epochs = [*errors(6, 380), *errors(7, 60, 1.6), *errors(8, 60)]
    whole, first = DriftWatch(DriftOptions()), DriftWatch(DriftOptions())

    expected = noticed(whole, epochs)
    before = noticed(first, epochs[:cut])
    second = DriftWatch(DriftOptions(), first.saved)
    after = noticed(second, epochs[cut:])

    assert [*before, *((number + cut, one) for number, one in after)] == expected
    assert len(expected) >= 2
    assert all(np.array_equal(seen, whole.saved[name]) for name, seen in second.saved.items())


@pytest.mark.parametrize("cut", range(20, 60, 3))
def test_a_detector_that_has_noticed_something_begins_anew(cut: int) -> None:
    options = DriftOptions(adwin=AdwinOptions(delta=0.9), page_hinkley=PageHinkleyOptions(threshold=3.0))
    epochs = [counts for seed in range(20) for counts in errors(seed, 5, 2.0 if seed % 2 else 0.5)]
    watch = DriftWatch(options)

    seen: dict[str, list[int]] = {"adwin": [], "page_hinkley": []}
    for number, counts in enumerate(epochs):
        watch.count(counts)
        told = {one.detector for one in watch.close_epoch(REFERENCE)}
        for name in told:
            seen[name].append(number)
            assert len(watch.saved[name]) == 0
        if number == cut:
            watch = DriftWatch(options, watch.saved)

    assert seen == told_without_a_cut(options, epochs)


def told_without_a_cut(options: DriftOptions, epochs: list[np.ndarray]) -> dict[str, list[int]]:
    found = names(noticed(DriftWatch(options), epochs))
    return {name: [number for number, other in found if other == name] for name in ("adwin", "page_hinkley")}


def test_what_was_counted_of_an_open_epoch_is_kept() -> None:
    (counts,) = errors(9, 1)
    first, whole = DriftWatch(DriftOptions()), DriftWatch(DriftOptions())
    first.count(counts)
    whole.count(counts * 2)

    second = DriftWatch(DriftOptions(), first.saved)
    second.count(counts)

    assert np.array_equal(second.saved["open"], whole.saved["open"])


def test_an_epoch_in_which_nothing_was_judged_is_none() -> None:
    watch = DriftWatch(DriftOptions())

    watch.close_epoch(REFERENCE)

    assert all(len(watch.saved[name]) == 0 for name in ("adwin", "page_hinkley"))


def test_what_is_kept_is_bounded() -> None:
    watch = DriftWatch(DriftOptions())

    noticed(watch, errors(10, 3 * KEPT_EPOCHS))

    assert all(KEPT_EPOCHS // 2 <= len(watch.saved[name]) <= KEPT_EPOCHS for name in ("adwin", "page_hinkley"))
    assert sum(seen.nbytes for seen in watch.saved.values()) <= 40_000


def test_a_detector_that_is_not_asked_for_says_nothing() -> None:
    watch = DriftWatch(DriftOptions(adwin=None, page_hinkley=PageHinkleyOptions(threshold=5.0)))

    found = noticed(watch, [*errors(11, 40), *errors(12, 40, 2.0)])

    assert {detector for _, detector in names(found)} == {"page_hinkley"}


STARTED = """
import sys
import numpy
import streamer.wiring
from streamer.drift import DriftWatch
from streamer.drift_options import DriftOptions

seen = numpy.full((3, 16), 0.5, dtype=numpy.float32)
watch = DriftWatch(DriftOptions(), {"open": numpy.ones(16, dtype=numpy.int64), "adwin": seen, "page_hinkley": seen})
assert "river" not in sys.modules
watch.close_epoch(numpy.ones(16, dtype=numpy.int64))
assert "river" in sys.modules
"""


def test_a_process_starts_without_rivers_detectors_which_take_seconds_to_import() -> None:
    subprocess.run([sys.executable, "-c", STARTED], check=True)


@pytest.fixture
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", 256)


def shaken(count: int, shares: list[float]) -> list[Readings]:
    """Batches of readings of 32 series, each with a share of its own of readings far out."""
    rng = np.random.default_rng(0)
    series, batches = [f"pump-{number % 32}" for number in range(count)], []
    for number, share in enumerate(shares):
        seconds = np.arange(number * count, (number + 1) * count) / 32
        values = np.where(rng.random(count) < share, rng.normal(size=count) * 20, rng.normal(size=count))
        batches.append(readings(series, list(seconds), values[:, None], number * count))
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
    assert abs(expected[0].error_now[0] - expected[0].error_before[0]) > 0.1


@pytest.mark.usefixtures("short_epochs")
def test_other_options_and_other_weights_begin_anew() -> None:
    before = judge(forecaster="ewma")
    partition = Partition(before, WHERE)
    (batch,) = shaken(256 * 4, [0.0])
    partition.advance(batch)
    seen = partition.drift

    partition.adopt(before)
    kept = partition.drift
    partition.adopt(judge(forecaster="ewma", drift=DriftOptions(adwin=AdwinOptions(delta=0.1))))
    by_options = partition.drift
    partition.advance(replace(batch, timestamp=batch.timestamp + batch.timestamp[-1]))
    grown = epochs_seen(partition)
    partition.succeed(Shadow(Learnt.nothing(judge(forecaster="seasonal_quantile")), goal=0))

    assert kept is seen
    assert by_options is not seen
    assert grown == [4, 4]
    assert epochs_seen(partition) == [0, 0]


def epochs_seen(partition: Partition) -> list[int]:
    return [len(partition.drift.saved[name]) for name in ("adwin", "page_hinkley")]
