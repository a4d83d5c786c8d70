"""Epochs end by accepted readings or by event time, never by the batch."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamer.epoch import MAX_READINGS, MAX_WATERMARK_NS, MIN_READINGS, Epoch


def ends(timestamps: list[int], accepted: list[bool], cuts: list[int]) -> list[int]:
    """How many readings had been seen whenever an epoch ended, the batch being cut at these places."""
    epoch, found = Epoch(), []
    bounds = [0, *sorted({cut for cut in cuts if cut < len(timestamps)} - {0}), len(timestamps)]
    for start, stop in pairwise(bounds):
        at = start
        while at < stop:
            count, is_over, epoch = epoch.cut(np.array(timestamps[at:stop]), np.array(accepted[at:stop]))
            at += count
            if is_over:
                found.append(at)
                epoch = epoch.next()
    return found


def test_an_epoch_ends_with_its_4096th_accepted_reading() -> None:
    accepted = [i % 2 == 0 for i in range(20_000)]

    assert ends([0] * 20_000, accepted, []) == [2 * MAX_READINGS - 1, 4 * MAX_READINGS - 1]


def test_an_hour_of_event_time_ends_it_once_enough_were_accepted() -> None:
    minute = MAX_WATERMARK_NS // 60

    assert ends([i * minute for i in range(600)], [True] * 600, []) == [MIN_READINGS, 2 * MIN_READINGS]


def test_an_old_timestamp_does_not_move_the_watermark_back() -> None:
    hour = MAX_WATERMARK_NS
    timestamps = [0, *[2 * hour] * 200, *[hour] * 100]

    assert ends(timestamps, [True] * 301, []) == [MIN_READINGS]


def test_rejected_readings_count_for_nothing() -> None:
    assert ends([10**18] * 5000, [False] * 5000, []) == []


@given(
    cuts=st.lists(st.integers(1, 999), max_size=10),
    seed=st.integers(0, 1000),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_no_cut_of_the_batches_moves_an_end(cuts: list[int], seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    timestamps = rng.integers(0, MAX_WATERMARK_NS // 300, 1000).cumsum().tolist()
    accepted = (rng.random(1000) < share).tolist()

    assert ends(timestamps, accepted, cuts) == ends(timestamps, accepted, [])
