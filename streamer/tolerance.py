"""Tolerances: by how much the lines of some series are raised, reading by reading."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Readings
from models.alarm import KINDS
from streamer.feedback import Tolerance


class Tolerances:
    """The tolerances of a group, as its readings need them.

    Only sums, differences, products and quotients, each rounded as IEEE 754 says, so that no bit depends on a batch.
    """

    def __init__(self, tolerances: Sequence[Tolerance]) -> None:
        """At most one for each series and kind; of a kind that has no line there is nothing to raise."""
        tolerances = [one for one in tolerances if one.kind in KINDS]
        names = dict.fromkeys(one.series for one in tolerances)
        self._place = {name: place for place, name in enumerate(names, 1)}  # 0: of all other series
        shape = (len(names) + 1, len(KINDS))
        self._above, self._until, self._lasting = np.zeros(shape), np.zeros(shape), np.ones(shape)
        for one in tolerances:
            at = self._place[one.series], KINDS.index(one.kind)
            self._above[at] = one.factor - 1
            self._until[at] = one.until
            self._lasting[at] = one.until - one.since

    def of(self, readings: Readings) -> NDArray[np.float32] | None:
        """The factors of the lines for each reading. -> (N, K), or None where all are 1."""
        if not self._place:
            return None
        place = np.array([self._place.get(name, 0) for name in readings.series.tolist()], dtype=np.int64)
        if not place.any():
            return None
        left = (self._until[place] - readings.timestamp[:, None]) / self._lasting[place]
        factor: NDArray[np.float32] = (1 + self._above[place] * left.clip(0, 1)).astype(np.float32)
        return factor
