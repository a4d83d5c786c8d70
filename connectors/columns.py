"""The columns that travel through the daemon: what was read, what was made of it, what was refused.

Letters of the shapes: N readings, C channels. A batch is a handful of arrays, never a list of objects per reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Headers = Sequence[tuple[str, bytes]]

SILENCE = "silence"  # the kind of alarm that no score opens
SEVERITIES = ("info", "warning", "critical")  # of an alarm, rising
BEGINNING = np.iinfo(np.int64).min  # before all event time


class TopicPartition(NamedTuple):
    """One partition of one topic: the unit of order, of state and of delivery."""

    topic: str
    partition: int


class Reason(StrEnum):
    """Why a reading was rejected. These words are labels of metrics and stand in dead letters."""

    TOMBSTONE = "tombstone"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    NO_CHANNEL = "no_channel"
    UNKNOWN_CHANNEL = "unknown_channel"
    EMPTY_KEY = "empty_key"
    BAD_KEY = "bad_key"
    BAD_TIMESTAMP = "bad_timestamp"
    FUTURE = "future"
    LATE = "late"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Records:
    """Messages of one topic partition as they were read, in offset order. A record may hold many readings."""

    topic_partition: TopicPartition
    offset: Int64  # (R,)
    timestamp_ms: Int64  # (R,) the record's own; -1 where it has none
    key: list[bytes | None]
    value: list[bytes | None]  # None is a tombstone
    headers: list[Headers]

    @classmethod
    def none(cls, topic_partition: TopicPartition) -> "Records":
        """No records."""
        return cls(topic_partition, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), [], [], [])

    @classmethod
    def unknown(cls, topic_partition: TopicPartition, offset: int) -> "Records":
        """One record of which nothing is at hand but where it lies."""
        return cls(topic_partition, np.array([offset]), np.array([-1]), [None], [None], [()])

    def __len__(self) -> int:
        return len(self.value)

    @property
    def next_offset(self) -> int:
        """The offset to read after these records. Offsets may have holes, so it is not offset + length."""
        return int(self.offset[-1]) + 1

    def split(self, offset: int) -> tuple["Records", "Records"]:
        """The records before this offset, and the others."""
        stop = int(np.searchsorted(self.offset, offset))
        return self._between(0, stop), self._between(stop, len(self))

    def _between(self, start: int, stop: int) -> "Records":
        return Records(
            self.topic_partition,
            self.offset[start:stop],
            self.timestamp_ms[start:stop],
            self.key[start:stop],
            self.value[start:stop],
            self.headers[start:stop],
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """Timestamped vectors of channel values of one group in one source partition, in offset order.

    Identity of a reading: (topic, partition, offset, index).
    """

    group: str
    topic_partition: TopicPartition
    series: NDArray[np.object_]  # (N,) str
    offset: Int64  # (N,)
    index: Int64  # (N,) position inside its record
    timestamp: Int64  # (N,) ns since the epoch, UTC
    values: Float64  # (N, C) NaN where a channel is absent
    present: Bool  # (N, C)

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def none(cls, group: str, topic_partition: TopicPartition, channels: int) -> "Readings":
        """No readings."""
        series, numbers = np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
        values = np.empty((0, channels))
        return cls(group, topic_partition, series, numbers, numbers, numbers, values, values.astype(np.bool_))

    @classmethod
    def joined(cls, parts: Sequence["Readings"]) -> "Readings":
        """The readings of one or more parts of the same group and partition, one after the other."""
        columns = ("series", "offset", "index", "timestamp", "values", "present")
        together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
        return cls(parts[0].group, parts[0].topic_partition, **together)

    def followed_by(self, later: "Readings") -> "Readings":
        """These readings and the later ones of the same group and partition."""
        return Readings.joined((self, later))

    def take(self, which: Any) -> "Readings":
        """The readings at ``which``: a slice, a boolean mask or positions."""
        return Readings(
            self.group,
            self.topic_partition,
            self.series[which],
            self.offset[which],
            self.index[which],
            self.timestamp[which],
            self.values[which],
            self.present[which],
        )


@dataclass(frozen=True, slots=True)
class Rejects:
    """Readings that were refused, with the records they came in, so that a dead letter can carry the bytes.

    A reading that had been held back came in a record of an earlier batch, which is not among ``records``.
    """

    group: str
    records: Records
    offset: Int64  # (N,) of the record
    index: Int64  # (N,) position inside its record; 0 where the record as a whole was refused
    reason: list[Reason]
    detail: list[str]  # where, what was expected, what came

    def __len__(self) -> int:
        return len(self.reason)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is expected some readings later, forecast after each reading. H horizons, in the unit of the results."""

    horizons: tuple[int, ...]  # in readings, each above 1
    forecast: Float64  # (N, C, H) NaN where there is none yet
    lower: Float64  # (N, C, H) of the band
    upper: Float64  # (N, C, H)

    def take(self, which: Any) -> "Ahead":
        """Those after the readings at ``which``: a slice, a boolean mask or positions."""
        return Ahead(self.horizons, self.forecast[which], self.lower[which], self.upper[which])


@dataclass(frozen=True, slots=True)
class Results:
    """What the detector says of every scored reading. ``value`` is in the unit judged: after the group's transform."""

    readings: Readings
    channels: tuple[str, ...]
    value: Float64  # (N, C) NaN where absent, here and below
    forecast: Float64  # (N, C) made before the reading was seen
    lower: Float64  # (N, C) of the band
    upper: Float64  # (N, C)
    anomaly_score: Float64  # (N,) 1 is the line, above it is an anomaly
    novelty: Float64  # (N,) 0 to 1, for ranking: it has no line
    surge: Float64  # (N,) how many times beyond its own record something of the series has come; 0 but at such a peak
    p_value: Float64  # (N,)
    shares: Float64  # (N, C) of the surprise, sum 1
    is_anomalous: Bool  # (N,) an alarm of this series is open after this reading
    warming: Bool  # (N,) judged on little history of its own
    artifact: str
    ahead: Ahead | None = None  # None: the group forecasts the next reading alone

    def __len__(self) -> int:
        return len(self.readings)

    def take(self, which: Any) -> "Results":
        """The results at ``which``: a slice, a boolean mask or positions."""
        return Results(
            self.readings.take(which),
            self.channels,
            self.value[which],
            self.forecast[which],
            self.lower[which],
            self.upper[which],
            self.anomaly_score[which],
            self.novelty[which],
            self.surge[which],
            self.p_value[which],
            self.shares[which],
            self.is_anomalous[which],
            self.warming[which],
            self.artifact,
            self.ahead and self.ahead.take(which),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an alarm opened."""

    text: str  # for people
    channel: str  # the one with the largest share
    shares: dict[str, float]  # by channel, of what this kind of alarm is made of, sum 1
    bet: str | None  # on which kind of change the channel's alarm was won; None: on none, one reading was enough
    since_readings: int  # for which it has been winning, the opening one included
    trust: dict[
        str, float
    ]  # by expert, what each had in the forecast of the channel, sum 1; empty where there are none
    memory_seconds: float | None  # after which, without a reading, half of what the cell remembers has faded


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms that opened or closed, each with the result of the reading that did it."""

    results: Results  # (N,) of the reading that opened or closed the alarm
    kind: list[str]  # "spike"
    event: list[str]  # "opened" or "closed"
    severity: list[str]  # one of `SEVERITIES`, the same for the opening and the closing
    alarm_id: list[str]  # the same for the opening and the closing, and after any replay
    opened_timestamp: Int64  # (N,) ns, event time of the opening reading
    peak_score: Float64  # (N,) the largest anomaly score since the opening
    tolerance: Float64  # (N,) by which people have raised the line that it is counted in
    explanation: list[Explanation | None]  # of an opening; None of a closing
    live_from: int = BEGINNING  # ns, event time

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def historical(self) -> Bool:
        """Which were written so long after their event time that nobody is to be called. (N,)."""
        return self.results.readings.timestamp < self.live_from


@dataclass(frozen=True, slots=True)
class Silences:
    """Silences that opened or closed. All of one is a function of group, series, last event time and limit."""

    group: str
    topic_partition: TopicPartition
    after_seconds: float  # the limit
    series: NDArray[np.object_]  # (N,) str
    event: list[str]  # "opened" or "closed"
    severity: list[str]  # one of `SEVERITIES`, the same for the opening and the closing
    alarm_id: list[str]  # the same for the opening and the closing, and after any replay
    timestamp: Int64  # (N,) ns, event time: of an opening `opened_timestamp`, of a closing that of the reading
    last_timestamp: Int64  # (N,) of the newest reading before the silence
    opened_timestamp: Int64  # (N,) the limit later, or at the end of a window that mutes it
    live_from: int = BEGINNING  # ns, event time

    def __len__(self) -> int:
        return len(self.event)

    @property
    def kind(self) -> list[str]:
        """The kind of each, as of other alarms."""
        return [SILENCE] * len(self)

    @property
    def historical(self) -> Bool:
        """Which were written so long after their event time that nobody is to be called. (N,)."""
        return self.timestamp < self.live_from
