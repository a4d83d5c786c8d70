"""A fleet that is connected all at once: its first readings are no storm of alarms."""

import numpy as np

from models.alarm import KINDS
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, readings

SERIES, WAVES, BATCH = 65_536, 4, 4_096
READINGS_PER_ALARM = 10_000


def test_series_that_begin_together_keep_the_budget_from_their_first_readings_on() -> None:
    """The second reading of all comes before the third of any: what it is like says nothing of those to come."""
    rng = np.random.default_rng(1)
    level, size = rng.normal(20, 5, SERIES), rng.uniform(0.05, 0.5, SERIES)
    names = [f"sensor-{number}" for number in range(SERIES)]
    partition, opened, drifts = Partition(judge(line=1 / READINGS_PER_ALARM), WHERE), np.zeros(WAVES), 0

    for wave in range(WAVES):
        for start in range(0, SERIES, BATCH):
            part = slice(start, start + BATCH)
            values = level[part] + size[part] * rng.normal(size=BATCH)
            came = readings(names[part], [60.0 * wave] * BATCH, values, first_offset=wave * SERIES + start)
            progress = partition.advance(came)
            opened[wave] += sum(alarms.event.count("opened") for alarms in progress.alarms)
            drifts += len(progress.drifts)

    expected = len(KINDS) * SERIES / READINGS_PER_ALARM
    assert opened[:2].sum() == 0
    assert (opened[2:] < 4 * expected).all()
    assert opened.sum() > 0
    assert not drifts
