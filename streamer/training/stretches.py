"""Which stretches of which series are trained on, which are held out, and how they become a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from models.training.batches import transformed
from models.training.forecasting import Batch
from models.transform import Transform
from streamer.calendar import Calendar
from streamer.order import NANOSECONDS
from streamer.training.series import Series, total

LEAST_READINGS = 32  # of a series that is worth training on
LEAST_ROWS = 32  # a tile: fewer cost as much


@dataclass(frozen=True, slots=True)
class Stretch:
    """Readings of one series that follow each other; the first ``lead`` of them only lead up to the others."""

    series: Series
    lead: int = 0


class Split(NamedTuple):
    """What is trained on, and what is not."""

    trained: list[Series]
    held_out: list[Stretch]


def split(series: Sequence[Series], ratio: float, length: int, most: int, seed: int) -> Split:
    """Hold out a share of the series, of a single one its last part, as at most ``most`` stretches of ``length``.

    Raises:
        ValueError: there is too little to split.
    """
    long_enough = [one for one in series if len(one) >= LEAST_READINGS]
    if not long_enough or (len(long_enough) == 1 and len(long_enough[0]) * min(ratio, 1 - ratio) < LEAST_READINGS):
        raise ValueError(
            f"Expected several series of {LEAST_READINGS} readings and more, or one of which as many are held out, "
            f"got {[len(one) for one in series][:10]} readings"
        )
    if len(long_enough) == 1:
        (only,) = long_enough
        cut = round(len(only) * (1 - ratio))
        return Split([only.span(0, cut)], _thinned(_stretches(only, cut, length), most))
    count = min(max(1, round(len(long_enough) * ratio)), len(long_enough) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(long_enough))[:count].tolist())
    apart = [stretch for place in sorted(chosen) for stretch in _stretches(long_enough[place], 0, length)]
    return Split([one for place, one in enumerate(long_enough) if place not in chosen], _thinned(apart, most))


def _stretches(series: Series, first: int, length: int) -> list[Stretch]:
    """All readings from the ``first`` one on, each stretch after half its length that leads up to it."""
    found = []
    for start in range(first, len(series), length):
        lead = min(start, length // 2)
        found.append(Stretch(series.span(start - lead, start + length), lead))
    return found


def _thinned(stretches: list[Stretch], most: int) -> list[Stretch]:
    """At most so many of them, evenly."""
    places = np.unique(np.linspace(0, len(stretches) - 1, min(most, len(stretches))).round().astype(int))
    return [stretches[place] for place in places.tolist()]


@dataclass(frozen=True, slots=True)
class Seen:
    """How readings look to the detector: what is judged of them, and by whose clock."""

    transforms: Sequence[Transform]  # one a channel
    calendar: Calendar

    def batch_of(self, stretches: Sequence[Stretch]) -> Batch:
        """The stretches side by side."""
        steps, channels = max(len(stretch.series) for stretch in stretches), len(self.transforms)
        values = np.zeros((steps, len(stretches), channels))
        present, scored = np.zeros_like(values, dtype=np.bool_), np.zeros_like(values, dtype=np.bool_)
        elapsed = np.full((steps, len(stretches)), np.nan, dtype=np.float32)
        phases = np.zeros((steps, len(stretches), 2), dtype=np.float32)
        for row, (series, lead) in enumerate((stretch.series, stretch.lead) for stretch in stretches):
            stop = len(series)
            values[:stop, row] = np.where(series.present, series.values, 0.0)
            present[:stop, row] = series.present
            scored[lead:stop, row] = True
            elapsed[1:stop, row] = np.diff(series.timestamp) / NANOSECONDS
            phases[:stop, row] = self.calendar.phases(series.timestamp)
        columns = (torch.from_numpy(column) for column in (values, present, scored, elapsed, phases))
        return transformed(Batch(*columns), self.transforms)


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws the stretches of an epoch, all of a series as likely: a function of seed and epoch."""

    series: Sequence[Series]
    seen: Seen
    rows: int  # at most: no more than hold all readings twice over
    length: int
    seed: int

    def __call__(self, epoch: int) -> Batch:
        """A batch of as many stretches as it takes, at most ``rows``."""
        rng = np.random.default_rng([self.seed, epoch])
        readings = np.array([len(one) for one in self.series])
        enough = -(-2 * total(self.series) // self.length)
        rows = min(self.rows, max(LEAST_ROWS, enough))
        chosen = rng.choice(len(readings), rows, p=readings / readings.sum())
        starts = rng.integers(0, np.maximum(readings[chosen] - self.length, 0) + 1)
        stretches = [
            Stretch(self.series[place].span(start, start + self.length))
            for place, start in zip(chosen.tolist(), starts.tolist(), strict=True)
        ]
        return self.seen.batch_of(stretches)
