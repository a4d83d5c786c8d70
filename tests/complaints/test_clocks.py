"""Complaint 13: bursts of alarms on the two days a year on which the clock changes."""

import numpy as np

from streamer.calendar import calendar_of
from tests.complaints.lives import DAY, QUARTER, noise

BERLIN = "Europe/Berlin"
CHANGE = 20_541 * DAY + 3600.0  # 2026-03-29T01:00Z: two o'clock in Berlin is three
NIGHT = {"start": "2026-03-29T00:00", "end": "2026-03-30T00:00"}


def shifts(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two weeks before the change and one after it: people work from six to fourteen by their clock."""
    seconds = CHANGE + np.arange(-14 * DAY, 7 * DAY, QUARTER)
    hour = calendar_of(BERLIN).phases((seconds * 1e9).astype(np.int64))[:, 0] * 24
    return noise(len(seconds), size=0.5, seed=seed) + 30.0 * ((hour >= 6) & (hour < 14)), seconds - CHANGE
