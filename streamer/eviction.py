"""Eviction: which series of a partition are forgotten at an epoch's end, so that its state has a bounded size."""

import math
from collections.abc import Callable
from heapq import nsmallest
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from connectors.columns import Int64
from streamer.order import NANOSECONDS, NEVER


class EvictionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a silent series is remembered, and how many series at most. One that comes back begins anew.

    Two weeks by default, so that a series which speaks once a week may miss a week, and names that are never used
    again, such as those of containers, do not stay for good.
    """

    max_silent_seconds: float | None = 14 * 86_400.0  # behind the newest reading of its partition; None: no limit
    max_series: Annotated[int, Meta(ge=1)] = 1_000_000  # of one source partition

    def __post_init__(self) -> None:
        if self.max_silent_seconds is not None and not 0 < self.max_silent_seconds < math.inf:
            raise ValueError(f"Expected max_silent_seconds > 0, got {self.max_silent_seconds}")


def choose(
    last_timestamp: Int64, watermark: int | None, names: Callable[[Int64], list[str]], options: EvictionOptions
) -> Int64:
    """The rows to be evicted: of series silent for longer than the limit, then of the oldest beyond the cap.

    last_timestamp: (R,) event time of each row's last accepted reading; `NEVER` where there is none: such rows are
    left alone. names: the series of rows. -> (E,) rising.

    Of equally old series those go first whose names come first: row numbers must not reach a score.
    """
    silent: Int64 = np.flatnonzero(last_timestamp < _oldest_allowed(watermark, options.max_silent_seconds))
    silent = silent[last_timestamp[silent] != NEVER]
    if len(last_timestamp) <= options.max_series:  # the rest is for those who are near the cap
        return silent
    known = np.flatnonzero(last_timestamp != NEVER)
    beyond = len(known) - options.max_series
    if beyond <= len(silent):
        return silent
    return np.sort(_oldest(known, last_timestamp[known], beyond, names))  # the silent, and those right after them


def _oldest_allowed(watermark: int | None, max_silent_seconds: float | None) -> int:
    if watermark is None or max_silent_seconds is None:
        return NEVER
    return max(watermark - round(max_silent_seconds * NANOSECONDS), NEVER)


def _oldest(rows: Int64, timestamp: Int64, count: int, names: Callable[[Int64], list[str]]) -> Int64:
    """Those ``count`` rows whose (timestamp, name) are the smallest; only names at the edge are looked at."""
    edge = np.partition(timestamp, count - 1)[count - 1]
    older, tied = rows[timestamp < edge], rows[timestamp == edge]
    tied_names = names(tied)
    last_name = nsmallest(count - len(older), tied_names)[-1]
    return np.concatenate((older, tied[[name <= last_name for name in tied_names]]))
