"""From columns to messages: which topic, which key, how many, in the form that the configuration chose."""

import math
from typing import Any

import numpy as np
import orjson

from connectors.columns import Alarms, Int64, Rejects, Results, Silences
from connectors.dead_letters import dead_letters
from connectors.drifts import DRIFT, Drifts
from connectors.messages import Message
from connectors.outputs import OutputOptions
from connectors.ports import Columns
from connectors.result_json import SCHEMA_VERSION, bulk_object, iso8601, result_objects

__all__ = ["Encoder", "Message"]


class Encoder:
    """Encodes what the daemon has to say. docs/records is the contract of what comes out."""

    def __init__(self, options: OutputOptions) -> None:
        self._options = options

    def encode(self, columns: Columns) -> list[Message]:
        """Return the messages of these columns, those of one series in the order of its readings."""
        match columns:
            case Results():
                return self._results(columns)
            case Alarms():
                return self._alarms(columns)
            case Silences():
                return self._silences(columns)
            case Drifts():
                return self._drifts(columns)
            case Rejects():
                return self._rejects(columns)

    def _results(self, results: Results) -> list[Message]:
        options = self._options.results
        if options.keep == "anomalous":
            results = results.take(results.is_anomalous)
        if len(results) == 0:
            return []
        if options.form == "bulk":
            return self._bulk(results)
        keys = map(str.encode, results.readings.series.tolist())
        return [Message(options.topic, key, value) for key, value in zip(keys, result_objects(results), strict=True)]

    def _bulk(self, results: Results) -> list[Message]:
        """One message, or as many as keep each within the bound. A single reading is never split."""
        topic, partition = results.readings.topic_partition
        key = f"{topic}-{partition}".encode()
        value = bulk_object(results)
        parts = math.ceil((len(key) + len(value)) / self._options.max_message_bytes)
        if parts == 1 or len(results) == 1:
            return [Message(self._options.results.topic, key, value)]
        length = math.ceil(len(results) / (parts + 1))  # one more than needed: lengths of readings differ
        starts = range(0, len(results), length)
        return [message for start in starts for message in self._bulk(results.take(slice(start, start + length)))]

    def _alarms(self, alarms: Alarms) -> list[Message]:
        """An alarm is the object of the result that opened or closed it, with more members in front."""
        group = alarms.results.readings.group
        series = alarms.results.readings.series.tolist()
        opened = iso8601(alarms.opened_timestamp)
        historical = alarms.historical.tolist()
        messages = []
        for position, result in enumerate(result_objects(alarms.results)):
            members: dict[str, Any] = {
                "alarm_id": alarms.alarm_id[position],
                "event": alarms.event[position],
                "kind": alarms.kind[position],
                "severity": alarms.severity[position],
                "opened_timestamp": opened[position].decode(),
                "peak_score": np.float32(alarms.peak_score[position]),  # as scores are written: with the same digits
                "tolerance": np.float32(alarms.tolerance[position]),
                "historical": historical[position],
            }
            why = alarms.explanation[position]
            if why is not None:
                members["explanation"] = why
            value = orjson.dumps(members, option=orjson.OPT_SERIALIZE_NUMPY)[:-1] + b"," + result[1:]
            messages.append(self._alarm(group, series[position], alarms.kind[position], value))
        return messages

    def _silences(self, silences: Silences) -> list[Message]:
        """A silence has no reading, so its object has the members of an alarm that need none."""
        topic, partition = silences.topic_partition
        shared = {"schema_version": SCHEMA_VERSION, "group": silences.group, "topic": topic, "partition": partition}
        columns = {
            "alarm_id": silences.alarm_id,
            "event": silences.event,
            "kind": silences.kind,
            "severity": silences.severity,
            "historical": silences.historical.tolist(),
            "series": silences.series.tolist(),
            **{name: _texts(getattr(silences, name)) for name in ("timestamp", "opened_timestamp", "last_timestamp")},
        }
        messages = []
        for row in zip(*columns.values(), strict=True):
            members: dict[str, Any] = {**shared, **dict(zip(columns, row, strict=True))}
            value = orjson.dumps(members | {"after_seconds": silences.after_seconds})
            messages.append(self._alarm(silences.group, members["series"], members["kind"], value))
        return messages

    def _drifts(self, drifts: Drifts) -> list[Message]:
        """A drift is of a partition: it has no series, and nothing closes it."""
        topic, partition = drifts.topic_partition
        where = {"group": drifts.group, "topic": topic, "partition": partition, "kind": DRIFT}
        columns = {
            "alarm_id": drifts.alarm_id,
            "event": drifts.event,
            "historical": drifts.historical.tolist(),
            "timestamp": _texts(drifts.timestamp),
            "detector": drifts.detector,
            "error_before": drifts.error_before.tolist(),
            "error_now": drifts.error_now.tolist(),
        }
        messages = []
        for row in zip(*columns.values(), strict=True):
            members = {"schema_version": SCHEMA_VERSION, **where, **dict(zip(columns, row, strict=True))}
            messages.append(Message(self._options.alarms.topic, orjson.dumps(where), orjson.dumps(members)))
        return messages

    def _alarm(self, group: str, series: str, kind: str, value: bytes) -> Message:
        key = {"group": group, "series": series, "kind": kind}
        return Message(self._options.alarms.topic, orjson.dumps(key), value)

    def _rejects(self, rejects: Rejects) -> list[Message]:
        options = self._options.dead_letters
        letters = dead_letters(rejects, options.count_only, self._options.max_message_bytes)
        return [Message(options.topic, key, value) for key, value in letters]


def _texts(timestamp: Int64) -> list[str]:
    return [text.decode() for text in iso8601(timestamp)]
