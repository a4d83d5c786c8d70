"""Order in event time: which readings of a series may be scored, and how long after the one before they came."""

from dataclasses import dataclass, fields
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.columns import Bool, Float64, Int64, Readings, Records
from streamer.series_rows import HostColumns

NEVER = np.iinfo(np.int64).min
NANOSECONDS = 1e9
YEAR_SECONDS = 86_400 * 366  # as long as anything may be waited for


class OrderOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be scored. ``keep`` scores every reading of one instant, with no time between them."""

    duplicates: Literal["drop_identical", "keep", "drop"] = "drop_identical"
    max_future_seconds: float = 3600.0  # a reading may be this far ahead of its record's own timestamp
    reorder_seconds: float = 0.0  # all wait so long in event time, and who is late by no more is scored in its place
    join_seconds: float = 0.0  # readings of one series within such an interval, counted from 1970 in UTC, are one
    max_held_readings: int = 100_000  # of a partition; above it the oldest no longer wait for the late

    def __post_init__(self) -> None:
        if not self.max_future_seconds >= 0:
            raise ValueError(f"Expected max_future_seconds >= 0, got {self.max_future_seconds}")
        for name in ("reorder_seconds", "join_seconds"):
            if not 0 <= getattr(self, name) <= YEAR_SECONDS:
                raise ValueError(f"Expected {name} from 0 to {YEAR_SECONDS}, got {getattr(self, name)}")
        if self.max_held_readings < 1:
            raise ValueError(f"Expected max_held_readings >= 1, got {self.max_held_readings}")

    @property
    def join_ns(self) -> int:
        """The interval whose readings are one; 0 where each stays by itself."""
        return round(self.join_seconds * NANOSECONDS)

    @property
    def hold_ns(self) -> int:
        """How long a reading waits in event time: until its interval is over, and then for the late."""
        return self.join_ns + round(self.reorder_seconds * NANOSECONDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of each reading. N readings in offset order."""

    accepted: Bool  # (N,)
    late: Bool  # (N,) older than one of its series that was accepted
    duplicate: Bool  # (N,)
    before: Int64  # (N,) ns, event time of the accepted reading before; NEVER for a series' first
    elapsed_seconds: NDArray[np.float32]  # (N,) since then; NaN for a series' first

    def until(self, stop: int) -> "Verdict":
        """The verdict on the first ``stop`` readings."""
        return Verdict(*(getattr(self, field.name)[:stop] for field in fields(self)))


def initial_columns(channels: int) -> dict[str, NDArray[np.generic]]:
    """What order remembers of a series: the time and the values of the reading accepted last."""
    return {
        "last_timestamp": np.array(NEVER, dtype=np.int64),
        "last_values": np.full(channels, np.nan),
    }


def from_the_future(readings: Readings, records: Records, options: OrderOptions) -> Bool:
    """Which readings are too far ahead of their own record; none of a record without a timestamp. -> (N,)."""
    own_ms = records.timestamp_ms[np.searchsorted(records.offset, readings.offset)]
    ahead_ms = readings.timestamp // 1_000_000 - own_ms
    return (own_ms >= 0) & (ahead_ms > options.max_future_seconds * 1000)


def judge(readings: Readings, rows: Int64, columns: HostColumns, options: OrderOptions) -> Verdict:
    """Judge the readings of one partition in offset order. Changes nothing; `remember` does.

    The good path is vectorised; series with a reading that is not strictly newer go through the plain loop.
    """
    by_series = np.argsort(rows, kind="stable")
    row, timestamp = rows[by_series], readings.timestamp[by_series]
    is_first = np.concatenate(([True], row[1:] != row[:-1]))
    before = np.where(is_first, columns["last_timestamp"][row], np.concatenate(([NEVER], timestamp[:-1])))
    accepted = np.ones(len(rows), dtype=bool)
    late, duplicate = np.zeros_like(accepted), np.zeros_like(accepted)
    is_older = timestamp <= before
    if is_older.any():
        suspects = by_series[np.isin(row, row[is_older])]
        late[suspects], duplicate[suspects], before_suspects = _judge_one_by_one(
            readings.take(suspects), rows[suspects], columns, options
        )
        accepted = ~(late | duplicate)
        before[np.isin(row, row[is_older])] = before_suspects
    before[by_series] = before.copy()  # as the readings came
    elapsed = np.full(len(rows), np.nan, dtype=np.float32)
    known = before != NEVER
    elapsed[known] = (readings.timestamp[known] - before[known]) / NANOSECONDS
    return Verdict(accepted, late, duplicate, before, elapsed)


def _judge_one_by_one(
    readings: Readings, rows: Int64, columns: HostColumns, options: OrderOptions
) -> tuple[Bool, Bool, Int64]:
    """The rules, plainly. -> late, duplicate, timestamp of the accepted reading before; (N,) each."""
    late, duplicate = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    before = np.empty(len(rows), dtype=np.int64)
    newest: dict[int, tuple[int, Float64]] = {}
    for i, row in enumerate(rows.tolist()):
        last, values = newest.get(row, (int(columns["last_timestamp"][row]), columns["last_values"][row]))
        timestamp = int(readings.timestamp[i])
        before[i] = last
        late[i] = timestamp < last
        if timestamp == last and options.duplicates != "keep":
            is_identical = np.array_equal(readings.values[i], values, equal_nan=True)
            duplicate[i] = options.duplicates == "drop" or is_identical
        if not late[i] and not duplicate[i]:
            newest[row] = (timestamp, readings.values[i])
    return late, duplicate, before


def remember(accepted: Readings, rows: Int64, columns: HostColumns) -> None:
    """Make accepted readings, in offset order, the last ones of their series."""
    columns["last_timestamp"][rows] = accepted.timestamp
    columns["last_values"][rows] = accepted.values
