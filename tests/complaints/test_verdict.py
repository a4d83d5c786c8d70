"""Complaints 17, 23 and 24: memory, one verdict for all channels, and what is high."""

import numpy as np
import pytest
import torch

from models.tail import StudentTail
from streamer.eviction import EvictionOptions
from streamer.partition import Partition
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import lived, noise
from tests.streamer.fleets import WHERE, judge, readings


def test_17_series_beyond_the_limit_are_forgotten_and_scoring_goes_on() -> None:
    names = [f"container-{number}" for number in range(9000)]
    batch = readings(names, list(np.arange(9000.0)), np.ones(9000))

    def remembered(most: int) -> int:
        partition = Partition(judge(eviction=EvictionOptions(max_series=most)), WHERE)
        scored = sum(len(results) for results in partition.advance(batch).results)
        assert scored == 9000
        return len(partition.series)

    assert remembered(most=500) <= 500 + 4096  # which come before the next epoch ends
    assert remembered(most=1_000_000) == 9000


def test_23_a_reading_of_many_channels_gets_one_verdict() -> None:
    values = np.stack([noise(200, seed=seed) for seed in range(6)], 1)
    values[150, 4] += 60

    life = lived(values)

    assert life.score.shape == (200,)
    assert life.opened == [150]


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_24_high_is_always_anomalous_and_one_is_the_line(direction: float, switch_off: SwitchOff) -> None:
    calm = noise(60)

    def scores() -> list[float]:
        return [float(lived(np.append(calm, 50 + direction * far)).score[-1]) for far in (0.0, 8.0, 20.0, 60.0)]

    rising = scores()
    assert rising == sorted(rising)
    assert rising[0] < 1 < rising[-1]
    forward = StudentTail.forward
    switch_off(StudentTail, "forward", lambda tail, t, nu: torch.pow(10, -forward(tail, t, nu)))
    assert scores() != sorted(scores())
