"""Eviction: which series of a partition are forgotten at an epoch's end, so that its state has a bounded size."""

import math
from collections.abc import Callable
from heapq import nsmallest
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from connectors.columns import Int64
from streamer.order import NANOSECONDS, NEVER
from streamer.series_rows import HostColumns


class EvictionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a silent series is remembered, and how many series at most. One that comes back begins anew.

    Silence is what its partition has gone on by in event time since the series was heard last, so that readings of a
    distant past, which are filled in now, evict nobody who is speaking.

    Two weeks by default, so that a series which speaks once a week may miss a week, and names that are never used
    again, such as those of containers, do not stay for good.
    """

    max_silent_seconds: float | None = 14 * 86_400.0  # None: no limit
    max_series: Annotated[int, Meta(ge=1)] = 1_000_000  # of one source partition

    def __post_init__(self) -> None:
        if self.max_silent_seconds is not None and not 0 < self.max_silent_seconds < math.inf:
            raise ValueError(f"Expected max_silent_seconds > 0, got {self.max_silent_seconds}")


def initial_columns() -> dict[str, NDArray[np.generic]]:
    """What is remembered of a series: the watermark of its partition when it was heard last."""
    return {"heard": np.array(NEVER, dtype=np.int64)}


def remember(timestamp: Int64, rows: Int64, watermark: int | None, columns: HostColumns) -> None:
    """Take down when the series of accepted readings, in offset order, were heard. timestamp, rows: (N,)."""
    seen = np.maximum.accumulate(timestamp)
    columns["heard"][rows] = seen if watermark is None else np.maximum(seen, watermark)


def choose(heard: Int64, watermark: int | None, names: Callable[[Int64], list[str]], options: EvictionOptions) -> Int64:
    """The rows to be evicted: of series silent for longer than the limit, then of the oldest beyond the cap.

    heard: (R,) the partition's watermark when a reading of each row was accepted last; `NEVER` where none was: such
    rows are left alone. names: the series of rows. -> (E,) rising.

    Of series heard at one watermark those go first whose names come first: row numbers must not reach a score.
    """
    silent: Int64 = np.flatnonzero(heard < _oldest_allowed(watermark, options.max_silent_seconds))
    silent = silent[heard[silent] != NEVER]
    if len(heard) <= options.max_series:  # the rest is for those who are near the cap
        return silent
    known = np.flatnonzero(heard != NEVER)
    beyond = len(known) - options.max_series
    if beyond <= len(silent):
        return silent
    return np.sort(_oldest(known, heard[known], beyond, names))  # the silent, and those right after them


def _oldest_allowed(watermark: int | None, max_silent_seconds: float | None) -> int:
    if watermark is None or max_silent_seconds is None:
        return NEVER
    return max(watermark - round(max_silent_seconds * NANOSECONDS), NEVER)


def _oldest(rows: Int64, heard: Int64, count: int, names: Callable[[Int64], list[str]]) -> Int64:
    """Those ``count`` rows whose (heard, name) are the smallest; only names at the edge are looked at."""
    edge = np.partition(heard, count - 1)[count - 1]
    older, tied = rows[heard < edge], rows[heard == edge]
    tied_names = names(tied)
    last_name = nsmallest(count - len(older), tied_names)[-1]
    return np.concatenate((older, tied[[name <= last_name for name in tied_names]]))
