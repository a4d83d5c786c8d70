"""Joins readings whose channels came apart: those of one series within one interval of event time become one."""

from dataclasses import replace

import numpy as np

from connectors.columns import Bool, Int64, Readings
from streamer.order import NEVER


def begin(timestamp: Int64, interval_ns: int) -> Int64:
    """When the interval began that each time lies in; intervals are counted from 1970 in UTC. ns, (N,) -> (N,)."""
    timestamp = np.maximum(timestamp, NEVER + 1 + interval_ns)  # nothing can be said of before all event time
    begun: Int64 = timestamp - timestamp % interval_ns
    return begun


def joined(parts: Readings, is_alone: Bool) -> tuple[Readings, Int64]:
    """Make those of equal series and timestamp one, but those that are to stay alone. (N,) each -> (J,) both.

    The second of what is returned is the place of the first part of each, in rising order. A channel has the value
    that came last, and the reading offset and index of its last part.
    """
    alone = np.where(is_alone, np.arange(len(parts)), -1)
    keys: dict[tuple[str, int, int], int] = {}
    every = zip(parts.series.tolist(), parts.timestamp.tolist(), alone.tolist(), strict=True)
    group = np.array([keys.setdefault(key, len(keys)) for key in every], dtype=np.int64)
    place = np.arange(len(parts))
    first, last = np.empty((2, len(keys)), dtype=np.int64)
    first[group[::-1]], last[group] = place[::-1], place  # of places that share a group the one written last stays
    newest = np.full((len(keys), parts.values.shape[1]), -1)
    part, channel = np.nonzero(parts.present)
    newest[group[part], channel] = part
    present = newest >= 0
    values = np.where(present, np.take_along_axis(parts.values, newest, axis=0), np.nan)
    whole = replace(
        parts.take(first), offset=parts.offset[last], index=parts.index[last], values=values, present=present
    )
    return whole, first
