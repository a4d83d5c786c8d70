"""Complaints 1 and 2: detectors that initialise for days, and series too sparse that stay so for ever."""

import numpy as np

from models import detector
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import DAY, lived, noise

FAULT = 20  # the reading: at one a minute, twenty minutes after the series was first heard of


def test_01_a_fault_among_the_first_readings_opens_an_alarm() -> None:
    values = noise(FAULT + 1)
    values[FAULT] += 60

    life = lived(values)

    assert life.opened == [FAULT]
    assert np.isfinite(life.score).all()


def test_02_a_series_of_one_reading_a_day_is_judged_from_its_second_and_says_how_young_it_is(
    switch_off: SwitchOff,
) -> None:
    def is_stuck_in_its_youth() -> bool:
        values = noise(40)
        values[10] += 60
        life = lived(values, seconds=DAY)
        assert 10 in life.opened
        return bool(life.warming[-1])

    before = is_stuck_in_its_youth()
    switch_off(detector, "WARMING_READINGS", np.inf)

    assert not before
    assert is_stuck_in_its_youth()
