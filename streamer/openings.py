"""Openings: what is remembered of the reading that opened an alarm, so that its closing can tell of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.columns import SEVERITIES, Alarms, Int64, Results, TopicPartition
from models import alarm
from models.outcome import Outcome
from streamer.judge import Judge
from streamer.order import NEVER
from streamer.rules import RuleOptions, severities_of
from streamer.series_rows import HostColumns


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
class Openings:
    """Tells of the alarms of one group in one source partition."""

    judge: Judge
    topic_partition: TopicPartition
    columns: HostColumns

    def alarms(self, results: Results, rows: Int64, rule: Int64, outcome: Outcome) -> Alarms | None:
        """The alarms that opened or closed at these readings; None where there is none. rows: (N,), rule: (N, C|1).

        An alarm is as severe as the rule says of the channel with the largest share at its opening.
        """
        changed = (outcome.opened | outcome.closed).numpy().nonzero()
        which, kinds = changed
        if not len(which):
            return None
        results, rows, opened = results.take(which), rows[which], outcome.opened.numpy()[changed]
        rule = np.broadcast_to(rule[which], results.shares.shape)[np.arange(len(rows)), results.shares.argmax(1)]
        opening = {
            "opened_offset": results.readings.offset,
            "opened_index": results.readings.index,
            "opened_timestamp": results.readings.timestamp,
            "opened_severity": severities_of(self.judge.choices.rules, rule),
        }
        ids, timestamps, severities = [], np.empty(len(rows), dtype=np.int64), []
        for i, at in enumerate(zip(rows.tolist(), kinds.tolist(), strict=True)):
            if opened[i]:
                for name, column in opening.items():
                    self.columns[name][at] = column[i]
            ids.append(self._alarm_id(str(results.readings.series[i]), at))
            timestamps[i] = self.columns["opened_timestamp"][at]
            severities.append(SEVERITIES[self.columns["opened_severity"][at]])
        return Alarms(
            results=results,
            kind=[alarm.KINDS[kind] for kind in kinds],
            event=["opened" if one else "closed" for one in opened],
            severity=severities,
            alarm_id=ids,
            opened_timestamp=timestamps,
            peak_score=outcome.peak.numpy()[changed].astype(np.float64),
        )

    def _alarm_id(self, series: str, at: tuple[int, int]) -> str:
        """The identity of the reading that opened the alarm, so that a replay gives the same one. at: row, kind."""
        opened = (int(self.columns["opened_offset"][at]), int(self.columns["opened_index"][at]))
        identity = repr((self.judge.group, *self.topic_partition, series, alarm.KINDS[at[1]], *opened))
        return hashlib.sha256(identity.encode()).hexdigest()[:24]
