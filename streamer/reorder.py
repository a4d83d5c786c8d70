"""The reorder buffer: holds readings back until those before them, or of their interval, have had the time to come."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64, Readings, TopicPartition
from streamer import join
from streamer.order import NEVER, OrderOptions

_ARRAYS = tuple(field.name for field in fields(Readings))[3:]  # after group, partition and series


@dataclass(frozen=True, slots=True)
class ReorderBuffer:
    """The readings of one partition that wait, and how far it has come: a value, which belongs into the checkpoint.

    A reading is released as soon as its timestamp is no higher than the *floor*: the watermark (the highest event time
    that has arrived) less `reorder_seconds`, or what the watermark was `max_held_readings` readings ago, whichever is
    higher. So no more than `max_held_readings` wait, a reading that was above the floor when it came is scored in its
    right place, and what is released when is a function of the sequence of readings: no cut into batches changes it.

    With `join_seconds` a reading has the time at which its interval begins, waits for the end of that as well, and is
    one with those of its series and interval that wait. One that comes when its interval has been released is not: it
    is released at once, by itself, and order decides whether it is late.
    """

    held: Readings  # (H,) in order of arrival, all above the floor
    position: Int64  # (H,) of each in the sequence of all readings, from 0; of joined ones that of the first
    arrived: int = 0  # readings so far
    watermark: int = NEVER  # ns
    floor: int = NEVER  # ns

    @classmethod
    def empty(cls, group: str, topic_partition: TopicPartition, channels: int) -> "ReorderBuffer":
        """The buffer of a partition that begins."""
        return cls(Readings.none(group, topic_partition, channels), np.empty(0, np.int64))

    def __len__(self) -> int:
        """Readings that wait."""
        return len(self.held)

    def push(self, readings: Readings, options: OrderOptions) -> tuple[Readings, "ReorderBuffer"]:
        """Take in the next readings of the partition. -> those to be scored now, in order; the buffer after them.

        The order is that of the readings that released them and, under one of these, of timestamp and arrival.
        """
        if not len(readings):
            return readings, self
        seen = np.maximum(np.maximum.accumulate(readings.timestamp), self.watermark)
        if options.join_ns:
            readings = replace(readings, timestamp=join.begin(readings.timestamp, options.join_ns))
        waiting = self.held.followed_by(readings)
        arrived = self.arrived + len(readings)
        position = np.concatenate((self.position, np.arange(self.arrived, arrived)))
        floor = self._floor(seen, waiting.timestamp, position, options)
        closed_by, came = np.searchsorted(floor, waiting.timestamp), position - self.arrived
        released_by = np.maximum(closed_by, came)
        if options.join_ns:
            waiting, first = join.joined(waiting, is_alone=closed_by < came)
            position, released_by = position[first], released_by[first]
        is_out = released_by < len(readings)
        out, rest = np.flatnonzero(is_out), np.flatnonzero(~is_out)
        buffer = ReorderBuffer(waiting.take(rest), position[rest], arrived, int(seen[-1]), int(floor[-1]))
        return _in_order(waiting.take(out), released_by[out]), buffer

    def flush(self) -> tuple[Readings, "ReorderBuffer"]:
        """Release everything, since nothing more will come. -> the readings in order, the buffer after them."""
        nothing = slice(0, 0)
        buffer = replace(self, held=self.held.take(nothing), position=self.position[nothing], floor=self.watermark)
        return _in_order(self.held, np.zeros(len(self), np.int64)), buffer

    def _floor(self, seen: Int64, timestamp: Int64, position: Int64, options: OrderOptions) -> Int64:
        """The floor after each new reading, by the watermarks ``seen`` then. (N,), waiting (W,) and (W,) -> (N,)."""
        passed = np.maximum(seen, NEVER + options.hold_ns) - options.hold_ns
        count = np.searchsorted(position, position[len(self) :] - options.max_held_readings, side="right")
        crowded_out = np.concatenate(([NEVER], np.maximum.accumulate(timestamp)))[count]  # what has left is below
        floor: Int64 = np.maximum(np.maximum(passed, crowded_out), self.floor)
        return floor

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """The buffer as plain arrays, for a checkpoint. Names of series are their UTF-8 in a row, and its lengths."""
        names = [name.encode(errors="surrogatepass") for name in self.held.series.tolist()]
        return {
            "series": np.frombuffer(b"".join(names), dtype=np.uint8),
            "series_bytes": np.array([len(name) for name in names], dtype=np.int64),
            **{name: getattr(self.held, name) for name in _ARRAYS},
            "position": self.position,
            "progress": np.array([self.arrived, self.watermark, self.floor]),
        }

    @classmethod
    def from_columns(
        cls, group: str, topic_partition: TopicPartition, columns: Mapping[str, NDArray[Any]]
    ) -> "ReorderBuffer":
        """The buffer that `to_columns` wrote down."""
        text = columns["series"].tobytes()
        stops = np.cumsum(columns["series_bytes"]).tolist()
        series = np.empty(len(stops), dtype=object)
        series[:] = [
            text[start:stop].decode(errors="surrogatepass") for start, stop in zip([0, *stops], stops, strict=False)
        ]
        held = Readings(group, topic_partition, series, *(columns[name] for name in _ARRAYS))
        return cls(held, columns["position"], *map(int, columns["progress"]))


def _in_order(readings: Readings, released_by: Int64) -> Readings:
    """Readings in order of arrival, as they are scored: what one reading released by time, an instant as it came."""
    return readings.take(np.lexsort((readings.timestamp, released_by)))
