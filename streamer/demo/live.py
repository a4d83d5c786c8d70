"""A source that replays files and then, where there is a synthetic fleet, goes on with it, a tick each second."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.ports import Ended, Event
from connectors.replay import ReplaySource
from connectors.row_files import ReplayFile
from streamer.demo.synthetic import SERIES, Fleet

TICK_SECONDS = 1.0
SYNTHETIC = TopicPartition("synthetic", 0)


class LiveSource(ReplaySource):
    """Like the replay, but the end of the files is where the clock takes over. It never ends."""

    def __init__(
        self, files: Sequence[ReplayFile], fleet: Fleet | None, ticks: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``ticks`` of the fleet are in the files already. Without a fleet nothing comes after the files."""
        super().__init__(files)
        self.has_replayed = False
        self._fleet = fleet
        self._tick = ticks
        self._clock = clock
        self._due = float("inf")

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        arrived = super().poll(timeout_seconds)
        if arrived and not isinstance(arrived[0], Ended):
            return arrived
        if not self.has_replayed:
            self.has_replayed = True
            self._due = self._clock() if self._fleet else self._due
            return []
        wait_seconds = self._due - self._clock()
        if wait_seconds > 0:
            time.sleep(min(wait_seconds, timeout_seconds))
        return [self._next_tick(self._fleet)] if self._fleet and self._clock() >= self._due else []

    def _next_tick(self, fleet: Fleet) -> Event | Records:
        first = self._tick * SERIES
        rows = fleet.rows(self._tick)
        self._tick += 1
        self._due += TICK_SECONDS
        return Records(
            SYNTHETIC,
            np.arange(first, first + SERIES),
            np.full(SERIES, -1, dtype=np.int64),
            [None] * SERIES,
            list(rows),
            [()] * SERIES,
        )
