"""Silence: which series have said nothing for too long, and which reading ends that.

A silence belongs to the last event time of its series: its alarm is a function of group, series, that time and the
limit. Whether a timer has raised it while nothing came, or the reading after it found it out, the records are the same.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from connectors.columns import SILENCE, Bool, Int64, Readings, Silences, TopicPartition
from streamer.order import NANOSECONDS, NEVER, YEAR_SECONDS
from streamer.series_rows import HostColumns


class SilenceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a series is silent. Hours in which a market is shut are silence too, unless the limit is longer."""

    after_seconds: Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]  # of event time, without an accepted reading


def initial_columns() -> dict[str, NDArray[np.generic]]:
    """What is remembered of a series: the last event time of which its open silence was raised."""
    return {"silent_since": np.array(NEVER, dtype=np.int64)}


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches the series of one group in one source partition."""

    group: str
    topic_partition: TopicPartition
    options: SilenceOptions
    severity: Callable[[str], str]  # of a series
    unmuted: Callable[
        [NDArray[np.object_], Int64], Int64
    ]  # the first moment of a series, from one on, that is not mute

    @property
    def limit_ns(self) -> int:
        """How long a series may say nothing."""
        return round(self.options.after_seconds * NANOSECONDS)

    def opening(self, series: NDArray[np.object_], last_seen: Int64) -> Int64:
        """When the silence after these event times opens: at the limit, or where a window that mutes it ends. (D,)."""
        return self.unmuted(series, last_seen + self.limit_ns)

    def due(self, last_seen: Int64, silent_since: Int64, event_now_ns: int) -> Int64:
        """The rows that are at their limit and of which no silence was raised yet. (rows,), (rows,) -> (D,).

        ``last_seen`` is the newest event time of each row, readings that are held back included; `NEVER` where it holds
        no series. ``event_now_ns`` is what the clock of the partition says, less how long readings wait: until then one
        may still come in its place.
        """
        is_due = (last_seen <= event_now_ns - self.limit_ns) & (last_seen > NEVER) & (silent_since == NEVER)
        return np.flatnonzero(is_due)

    def raised(self, series: NDArray[np.object_], last_seen: Int64) -> Silences:
        """The openings for series that are due. (D,) each."""
        return self._silences(series, last_seen, None, np.zeros(len(series), dtype=bool))

    def ended(self, accepted: Readings, before: Int64, silent_since: Int64) -> Silences:
        """What accepted readings, in order, say of the silence before them: closings, and openings nobody has raised.

        ``before``: (N,) event time of the accepted reading before, `NEVER` for a series' first. ``silent_since``: (N,)
        of the reading's row, as it was before the first of them.
        """
        return self._ended(accepted.series, accepted.timestamp, before, silent_since)

    def forgotten(self, series: NDArray[np.object_], watermark: int, last_seen: Int64, silent_since: Int64) -> Silences:
        """The same of series that are evicted, at the partition's watermark: no reading will end their silences."""
        return self._ended(series, np.full(len(series), watermark), last_seen, silent_since)

    def _ended(self, series: NDArray[np.object_], timestamp: Int64, before: Int64, silent_since: Int64) -> Silences:
        ends_open = (before == silent_since) & (before != NEVER) & (timestamp > before)
        is_gap = ~ends_open & (before != NEVER) & (timestamp > before + self.limit_ns)
        is_gap[is_gap] = timestamp[is_gap] > self.opening(series[is_gap], before[is_gap])
        which = np.repeat(np.arange(len(timestamp)), ends_open + 2 * is_gap)  # a gap opens and closes
        is_closing = np.concatenate((which[1:] != which[:-1], np.ones(min(len(which), 1), dtype=bool)))
        return self._silences(series[which], before[which], timestamp[which], is_closing)

    def _silences(self, series: NDArray[Any], last_seen: Int64, ended: Int64 | None, is_closing: Bool) -> Silences:
        opened = self.opening(series, last_seen)
        return Silences(
            self.group,
            self.topic_partition,
            self.options.after_seconds,
            series=series,
            event=["closed" if closing else "opened" for closing in is_closing.tolist()],
            severity=[*map(self.severity, series.tolist())],
            alarm_id=[self._alarm_id(*one) for one in zip(series.tolist(), last_seen.tolist(), strict=True)],
            timestamp=opened if ended is None else np.where(is_closing, ended, opened),
            last_timestamp=last_seen,
            opened_timestamp=opened,
        )

    def _alarm_id(self, series: str, last_timestamp: int) -> str:
        identity = repr((self.group, series, SILENCE, last_timestamp))
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:24]


def remember_raised(columns: HostColumns, rows: Int64, last_seen: Int64) -> None:
    """Take down of which event time the silence of these rows was raised."""
    columns["silent_since"][rows] = last_seen


def forget_ended(columns: HostColumns, rows: Int64, accepted: Readings) -> None:
    """No silence is open where a newer reading was accepted. One that had been held back is older, and ends none."""
    is_newer = accepted.timestamp > columns["silent_since"][rows]
    columns["silent_since"][rows[is_newer]] = NEVER
