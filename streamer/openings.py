"""Openings: what is remembered of the reading that opened an alarm, so that its closing can tell of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import SEVERITIES, Alarms, Explanation, Float64, Int64, Readings, Results, TopicPartition
from models import alarm
from streamer.explanation import explanations
from streamer.judge import Judge
from streamer.order import NEVER
from streamer.rules import RuleOptions, severities_of
from streamer.scoring import Scored
from streamer.series_rows import HostColumns
from streamer.terms import Terms


def initial_columns() -> dict[str, NDArray[np.generic]]:
    """What is remembered of the alarms of a series, by kind."""
    kinds = len(alarm.KINDS)
    return {
        "opened_offset": np.full(kinds, -1),
        "opened_index": np.full(kinds, -1),
        "opened_timestamp": np.full(kinds, NEVER),
        "opened_severity": np.full(kinds, SEVERITIES.index(RuleOptions().severity), dtype=np.uint8),
    }


@dataclass(frozen=True, slots=True)
class Gone:
    """The alarms of series that are evicted. G series, by name: row numbers must not reach an output. K kinds."""

    series: NDArray[np.object_]  # (G,) str
    rows: Int64  # (G,)
    peak: Float64  # (G, K) score of what is open, else 0


class Told(NamedTuple):
    """What is told of alarms beside their openings. A of them."""

    results: Results  # (A,)
    kinds: NDArray[np.intp]  # (A,)
    events: list[str]
    peaks: Float64  # (A,)
    tolerance: Float64  # (A,)
    why: list[Explanation | None]


@dataclass(frozen=True, slots=True)
class Openings:
    """Tells of the alarms of one group in one source partition."""

    judge: Judge
    topic_partition: TopicPartition
    columns: HostColumns

    def alarms(self, results: Results, rows: Int64, terms: Terms, came: Scored) -> Alarms | None:
        """The alarms that opened or closed at these readings; None where there is none. rows: (N,).

        An alarm is as severe as the rule says of the channel with the largest share at its opening.
        """
        changed = (came.outcome.opened | came.outcome.closed).numpy().nonzero()
        which, kinds = changed
        if not len(which):
            return None
        results, rows, opened = results.take(which), rows[which], came.outcome.opened.numpy()[changed]
        channel = results.shares.argmax(1)
        if came.reasons is not None:
            channel[opened] = came.reasons.channel.numpy()
        rule = np.broadcast_to(terms.rule[which], results.shares.shape)[np.arange(len(rows)), channel]
        opening = {
            "opened_offset": results.readings.offset,
            "opened_index": results.readings.index,
            "opened_timestamp": results.readings.timestamp,
            "opened_severity": severities_of(self.judge.choices.rules, rule),
        }
        told = came.reasons and explanations(came.reasons, results.take(opened), self.judge.detector.forecaster.experts)
        events, why, remembered = [], [], {name: np.empty_like(column) for name, column in opening.items()}
        for i, at in enumerate(zip(rows.tolist(), kinds.tolist(), strict=True)):  # one may open again in a batch
            if opened[i]:
                for name, column in opening.items():
                    self.columns[name][at] = column[i]
            for name, column in remembered.items():
                column[i] = self.columns[name][at]
            events.append("opened" if opened[i] else "closed")
            why.append(next(told) if told and opened[i] else None)
        peaks = came.outcome.peak.numpy()[changed].astype(np.float64)
        tolerance = np.ones(len(which)) if terms.tolerance is None else terms.tolerance[changed].astype(np.float64)
        return self._alarms(Told(results, kinds, events, peaks, tolerance, why), remembered)

    def forgotten(self, gone: Gone, watermark: int, ended_by: tuple[int, int]) -> Alarms | None:
        """The closings of alarms that are open while their series are evicted; None where there is none.

        They come when the epoch ends, without a reading: at its watermark, and with nothing said of any channel.
        ended_by: offset and index of the reading that ended it.
        """
        which, kinds = gone.peak.nonzero()
        if not len(which):
            return None
        count, channels = len(which), self.judge.channels
        offset, index, timestamp = (np.full(count, number) for number in (*ended_by, watermark))
        nothing, unknown = np.full((count, len(channels)), np.nan), np.full(count, np.nan)
        absent, no = np.zeros((count, len(channels)), dtype=bool), np.zeros(count, dtype=bool)
        group, where, series = self.judge.group, self.topic_partition, gone.series[which]
        readings = Readings(group, where, series, offset, index, timestamp, nothing, absent)
        results = Results(
            readings=readings,
            channels=channels,
            value=nothing,
            forecast=nothing,
            lower=nothing,
            upper=nothing,
            anomaly_score=unknown,
            novelty=unknown,
            surge=unknown,
            p_value=unknown,
            shares=nothing,
            is_anomalous=no,
            warming=no,
            artifact=self.judge.artifact.name,
        )
        remembered = {name: self.columns[name][gone.rows[which], kinds] for name in initial_columns()}
        factors = self.judge.tolerances.of(readings)
        tolerance = np.ones(count) if factors is None else factors[np.arange(count), kinds].astype(np.float64)
        told = Told(results, kinds, ["closed"] * count, gone.peak[which, kinds], tolerance, [None] * count)
        return self._alarms(told, remembered)

    def _alarms(self, told: Told, opened: Mapping[str, NDArray[Any]]) -> Alarms:
        """Alarms, whose openings were remembered as ``opened``, by column."""
        results = told.results
        kinds = [alarm.KINDS[kind] for kind in told.kinds]
        identities = zip(results.readings.series, kinds, opened["opened_offset"], opened["opened_index"], strict=True)
        return Alarms(
            results=results,
            kind=kinds,
            event=told.events,
            severity=[SEVERITIES[number] for number in opened["opened_severity"]],
            alarm_id=[self._alarm_id(str(series), kind, int(o), int(i)) for series, kind, o, i in identities],
            opened_timestamp=opened["opened_timestamp"],
            peak_score=told.peaks,
            tolerance=told.tolerance,
            explanation=told.why,
        )

    def _alarm_id(self, series: str, kind: str, offset: int, index: int) -> str:
        """The identity of the reading that opened the alarm, so that a replay gives the same one."""
        identity = repr((self.judge.group, *self.topic_partition, series, kind, offset, index))
        return hashlib.sha256(identity.encode()).hexdigest()[:24]
