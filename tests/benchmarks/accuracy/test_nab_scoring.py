"""That NAB's rules are kept: by hand on one file, by plain loops on any, by published figures on the real ones."""

import os
from pathlib import Path

import numpy as np
import pytest
from accuracy.data import Bool, Float64, read, spans
from accuracy.nab_scoring import PROFILES, Profile, Sheet, blind_clock, probation
from hypothesis import given, settings
from hypothesis import strategies as st

STANDARD = PROFILES[0]


def sigmoid(position: float) -> float:
    return 2 / (1 + np.exp(5 * position)) - 1 if position <= 3 else -1.0


def plainly(scores: list[Float64], labels: list[Bool], threshold: float, profile: Profile) -> float:
    """The score at one threshold, file by file and reading by reading."""
    raw, count = 0.0, 0
    for score, label in zip(scores, labels, strict=True):
        windows = spans(label)
        count += len(windows)
        best = [-profile.false_negative] * len(windows)
        for at in range(probation(len(label)), len(label)):
            if score[at] < threshold:
                continue
            inside = [number for number, (start, stop) in enumerate(windows) if start <= at < stop]
            behind = [(start, stop) for start, stop in windows if stop <= at]
            if inside:
                start, stop = windows[inside[0]]
                worth = sigmoid(-(stop - at) / (stop - start)) / sigmoid(-1) * profile.true_positive
                best[inside[0]] = max(best[inside[0]], worth)
            elif behind:
                start, stop = behind[-1]
                raw += profile.false_positive * sigmoid((at - stop + 1) / max(stop - start - 1, 1))
            else:
                raw -= profile.false_positive
        raw += sum(best)
    null, perfect = -profile.false_negative * count, profile.true_positive * count
    return 100 * (raw - null) / (perfect - null)


def windows(*places: tuple[int, int], readings: int = 400) -> Bool:
    labels = np.zeros(readings, dtype=bool)
    for start, stop in places:
        labels[start:stop] = True
    return labels


def alarms(*places: int, readings: int = 400) -> Float64:
    scores = np.zeros(readings)
    scores[list(places)] = 1
    return scores


@given(seed=st.integers(0, 10_000), profile=st.sampled_from(PROFILES))
@settings(max_examples=30, deadline=None)
def test_the_sweep_is_the_plain_rule_at_every_threshold(seed: int, profile: Profile) -> None:
    rng = np.random.default_rng(seed)
    labels = [windows((40, 70), (80, 95), readings=160), windows(readings=90), windows((0, 9), readings=100)]
    scores = [np.round(rng.random(len(label)), 1) for label in labels]

    thresholds, swept = Sheet.of(scores, labels).sweep(profile)

    expected = [plainly(scores, labels, threshold, profile) for threshold in thresholds]
    np.testing.assert_allclose(swept, expected, atol=1e-9)


def test_an_alarm_at_the_first_reading_of_each_window_is_perfect_and_none_at_all_is_nothing() -> None:
    labels = [windows((200, 240), (300, 340))]

    thresholds, scores = Sheet.of([alarms(200, 300)], labels).sweep(STANDARD)

    assert thresholds.tolist() == [np.inf, 1, 0]
    assert scores[:2] == pytest.approx([0, 100])


def test_of_a_window_the_earliest_alarm_counts_and_more_of_them_change_nothing() -> None:
    labels = [windows((200, 240))]

    one, many, late = (Sheet.of([alarms(*at)], labels).at(1, STANDARD) for at in ((210,), (210, 211, 239), (239,)))

    assert one == many
    assert late < one


def test_a_false_alarm_costs_all_before_a_window_and_little_just_after_one() -> None:
    labels = [windows((200, 240))]

    before, just_after, long_after = (Sheet.of([alarms(200, at)], labels).at(1, STANDARD) for at in (150, 241, 390))

    assert before == long_after == pytest.approx(100 * (1 + 1 - 0.11) / 2)
    assert before < just_after < 100


def test_an_alarm_on_probation_is_neither_right_nor_wrong() -> None:
    labels = [windows((200, 240))]

    assert Sheet.of([alarms(3, 59, 200)], labels).at(1, STANDARD) == pytest.approx(100)


def test_probation_is_a_part_of_a_file_and_no_longer_than_of_the_longest() -> None:
    assert [probation(readings) for readings in (0, 401, 5000, 22_695)] == [0, 60, 750, 750]


def test_the_best_threshold_is_silence_where_every_alarm_is_false() -> None:
    assert Sheet.of([alarms(100)], [windows((200, 240))]).best(STANDARD) == (np.inf, 0)


def test_scores_of_another_length_than_the_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a score for each of 400 labels, got 399"):
        Sheet.of([np.zeros(399)], [windows()])


@pytest.fixture(scope="module")
def real() -> tuple[list[Float64], list[Bool]]:
    folder = os.environ.get("STREAMER_DATA")
    if folder is None:
        pytest.skip("STREAMER_DATA names no folder of archives")
    files = read(Path(folder), "nab")
    return [file.values[:, 0] for file in files], [file.labels for file in files]


def scored(scores: list[Float64], labels: list[Bool]) -> list[float]:
    sheet = Sheet.of(scores, labels)
    return [round(sheet.best(profile)[1], 2) for profile in PROFILES]


def test_the_blind_clock_has_its_known_score_on_the_real_files(real: tuple[list[Float64], list[Bool]]) -> None:
    _, labels = real

    assert scored([blind_clock(len(label)) for label in labels], labels) == [28.61, 0, 45.22]


def test_the_running_z_score_has_its_known_score_on_the_real_files(real: tuple[list[Float64], list[Bool]]) -> None:
    values, labels = real

    assert scored([running_z(series) for series in values], labels) == [40.56, 28.84, 48.02]


def running_z(values: Float64) -> Float64:
    """How many standard deviations from the mean of all before."""
    moved, count = values - values[0], np.arange(1, len(values))
    mean = np.concatenate(([0], np.cumsum(moved)[:-1] / count))
    power = np.concatenate(([0], np.cumsum(moved**2)[:-1] / count))
    deviation = np.sqrt((power - mean**2).clip(0))
    return np.where(deviation > 1e-9, np.abs(moved - mean) / deviation.clip(1e-9), 0)


def test_an_alarm_at_the_centre_of_every_real_window_has_the_known_ceiling(
    real: tuple[list[Float64], list[Bool]],
) -> None:
    _, labels = real
    centred = [
        alarms(*((start + stop - 1) // 2 for start, stop in spans(label)), readings=len(label)) for label in labels
    ]

    assert scored(centred, labels)[0] == 93.12
