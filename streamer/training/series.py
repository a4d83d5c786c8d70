"""The readings of every series, gathered from a finite source as the daemon would accept them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from connectors.columns import Bool, Float64, Int64, Readings, Reason, Records, TopicPartition
from connectors.decode import Decoder
from connectors.ports import Assigned, Ended, Source
from streamer import order
from streamer.order import OrderOptions
from streamer.reorder import ReorderBuffer
from streamer.series_rows import HostColumns

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """N readings of one series, in the order in which they are scored."""

    name: str
    timestamp: Int64  # (N,) ns
    values: Float64  # (N, C) NaN where absent
    present: Bool  # (N, C)

    def __len__(self) -> int:
        return len(self.timestamp)

    def span(self, start: int, stop: int) -> "Series":
        """Some of the readings."""
        return Series(self.name, self.timestamp[start:stop], self.values[start:stop], self.present[start:stop])


@dataclass(frozen=True)
class Gathered:
    """What came of a source."""

    series: list[Series]  # by name
    refused: Counter[Reason]

    @property
    def readings(self) -> int:
        """How many were accepted."""
        return sum(map(len, self.series))

    @cached_property
    def fingerprint(self) -> str:
        """Equal for equal readings, whatever they were read from."""
        digest = hashlib.sha256()
        for one in self.series:
            digest.update(one.name.encode())
            for column in (one.timestamp, one.values):
                digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:16]


def gather(source: Source, decoder: Decoder, options: OrderOptions) -> Gathered:
    """Read a source to its end.

    Raises:
        TransientError, OffsetGoneError: see `Source.poll`.
    """
    refused: Counter[Reason] = Counter()
    parts: dict[TopicPartition, list[Readings]] = defaultdict(list)
    for records in _records(source):
        readings, rejects = decoder.decode(records)
        future = order.from_the_future(readings, records, options)
        refused.update([*rejects.reason, *[Reason.FUTURE] * int(future.sum())])
        parts[records.topic_partition].append(readings.take(~future))
    series = []
    for _, batches in sorted(parts.items()):
        series += _in_order(Readings.joined(batches), options, refused)
    return Gathered(sorted(series, key=lambda one: one.name), refused)


def _records(source: Source) -> Iterator[Records]:
    """Everything that a source has, from the first offset of every partition on."""
    while True:
        for polled in source.poll(POLL_SECONDS):
            match polled:
                case Records():
                    yield polled
                case Assigned(partitions=partitions):
                    for where in partitions:
                        source.seek(where, source.first_offset(where))
                case Ended():
                    return


def _in_order(readings: Readings, options: OrderOptions, refused: Counter[Reason]) -> list[Series]:
    """The accepted readings of one partition, by series."""
    if options.hold_ns:
        empty = ReorderBuffer.empty(readings.group, readings.topic_partition, readings.values.shape[1])
        released, buffer = empty.push(readings, options)
        readings = released.followed_by(buffer.flush()[0])
    names, rows = np.unique(readings.series.astype(str), return_inverse=True)
    columns = HostColumns(order.initial_columns(readings.values.shape[1]))
    columns.ensure(len(names))
    verdict = order.judge(readings, rows, columns, options)
    refused.update({Reason.LATE: int(verdict.late.sum()), Reason.DUPLICATE: int(verdict.duplicate.sum())})
    by_series = np.flatnonzero(verdict.accepted)
    by_series = by_series[np.argsort(rows[by_series], kind="stable")]
    accepted = readings.take(by_series)
    stops = np.cumsum(np.bincount(rows[by_series], minlength=len(names))).tolist()
    return [
        Series(str(name), accepted.timestamp, accepted.values, accepted.present).span(start, stop)
        for name, start, stop in zip(names, [0, *stops], stops, strict=False)
    ]


def total(series: Sequence[Series]) -> int:
    """Readings of all of them."""
    return sum(map(len, series))
