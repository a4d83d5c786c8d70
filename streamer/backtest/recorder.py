"""The recorder: a sink that keeps what the engine says of every series, to be measured and drawn afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from connectors.columns import Alarms, Bool, Float64, Int64, Rejects, Results, Silences, TopicPartition
from connectors.drifts import Drifts
from connectors.ports import Columns
from streamer.discard import DiscardSink


class Opening(NamedTuple):
    """An alarm that opened."""

    kind: str
    timestamp: int  # ns, event time
    place: tuple[int, int]  # offset and index of the reading that opened it; (-1, -1) of a silence


@dataclass(frozen=True, slots=True)
class History:
    """What was said of one series in one source partition, in order of its results. N readings, C channels."""

    group: str
    topic_partition: TopicPartition
    series: str
    channels: tuple[str, ...]
    offset: Int64  # (N,)
    index: Int64  # (N,) inside the record
    timestamp: Int64  # (N,) ns
    value: Float64  # (N, C)
    forecast: Float64  # (N, C)
    lower: Float64  # (N, C)
    upper: Float64  # (N, C)
    anomaly_score: Float64  # (N,)
    novelty: Float64  # (N,)
    openings: tuple[Opening, ...]

    def __len__(self) -> int:
        return len(self.timestamp)

    @property
    def opened(self) -> Bool:
        """At which readings an alarm opened. A silence opens between readings, so none of these is one. (N,)."""
        places = {opening.place for opening in self.openings}
        return np.array([place in places for place in zip(self.offset.tolist(), self.index.tolist(), strict=True)])


_KEPT = ("value", "forecast", "lower", "upper", "anomaly_score", "novelty")
_OF_READINGS = ("offset", "index", "timestamp")
_Key = tuple[str, TopicPartition, str]


@dataclass(slots=True)
class Recorder(DiscardSink):
    """Keeps columns in memory: about 100 bytes a reading, and 32 more a channel."""

    scored: int = 0
    rejected: int = 0
    _results: dict[tuple[str, TopicPartition], list[Results]] = field(default_factory=dict)
    _openings: dict[_Key, list[Opening]] = field(default_factory=dict)

    @override
    def write(self, columns: Columns) -> None:
        match columns:
            case Results():
                self.scored += len(columns)
                where = (columns.readings.group, columns.readings.topic_partition)
                self._results.setdefault(where, []).append(columns)
            case Rejects():
                self.rejected += len(columns)
            case Drifts():
                pass  # of partitions: no series has them
            case _:
                for series, opening, where in _openings(columns):
                    self._openings.setdefault((*where, series), []).append(opening)

    def histories(self) -> Iterator[History]:
        """Every series, by group, source partition and name."""
        for (group, where), parts in sorted(self._results.items()):
            series = np.concatenate([part.readings.series for part in parts]).astype(str)
            read = [part.readings for part in parts]
            columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _KEPT}
            columns |= {name: np.concatenate([getattr(part, name) for part in read]) for name in _OF_READINGS}
            by_series = np.argsort(series, kind="stable")
            starts = np.flatnonzero(np.append(True, series[by_series][1:] != series[by_series][:-1]))
            for own in np.split(by_series, starts[1:]):
                name = str(series[own[0]])
                yield History(
                    group=group,
                    topic_partition=where,
                    series=name,
                    channels=parts[0].channels,
                    openings=tuple(self._openings.get((group, where, name), ())),
                    **{column: values[own] for column, values in columns.items()},
                )


def _openings(columns: Alarms | Silences) -> Iterator[tuple[str, Opening, tuple[str, TopicPartition]]]:
    """The series and the alarm of everything that opened."""
    match columns:
        case Alarms():
            readings = columns.results.readings
            where = (readings.group, readings.topic_partition)
            places: NDArray[np.int64] = np.stack((readings.offset, readings.index), axis=1)
            series = readings.series
        case _:
            where = (columns.group, columns.topic_partition)
            places, series = np.full((len(columns), 2), -1), columns.series
    for n, event in enumerate(columns.event):
        if event == "opened":
            at = int(columns.opened_timestamp[n])
            yield str(series[n]), Opening(columns.kind[n], at, (int(places[n, 0]), int(places[n, 1]))), where
