"""The values of a group's channels as rows hold them: each in a field of its own, or one beside the channel's name."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from msgspec import UNSET

from connectors.columns import Bool, Float64, Reason
from connectors.formats import Format
from connectors.rows import Fault, Row, unknown_channel, wrong

Faults = dict[int, Fault]  # by position of the row
_UNKNOWN = -1


class ChannelValues:
    """Reads the rows of one format. Letters of the shapes: N rows, F fields of values, C channels."""

    def __init__(self, record_format: Format, attributes: Sequence[str], channels: Sequence[str]) -> None:
        """``attributes`` of a row hold the values; ``channels`` are their names on the wire, in the group's order."""
        self._attributes = tuple(attributes)
        self._value_fields = list(record_format.value_fields(channels))
        self._channel_field = record_format.channel_field
        self._places = {name: place for place, name in enumerate(channels)}

    def of(self, rows: Sequence[Row]) -> tuple[Float64, Faults]:
        """The values, NaN where absent, and which rows have none for any channel. (N,) -> (N, C)."""
        values, is_unset = self._read(rows)
        fault = Fault(Reason.NO_CHANNEL, f"value: expected one of the fields {self._value_fields}, got none of them")
        faults = dict.fromkeys(np.flatnonzero(is_unset.all(axis=1)).tolist(), fault)
        return (values, faults) if self._channel_field is None else self._spread(rows, values, faults)

    def _read(self, rows: Sequence[Row]) -> tuple[Float64, Bool]:
        """What stands in the fields, and which fields are not there. (N,) -> (N, F) each."""
        values = np.empty((len(rows), len(self._attributes)))
        is_unset = np.zeros(values.shape, dtype=np.bool_)
        for field, attribute in enumerate(self._attributes):
            column = list(map(attrgetter(attribute), rows))
            try:
                values[:, field] = np.array(column, dtype=np.float64)  # None becomes NaN
            except TypeError:  # UNSET does not
                is_unset[:, field] = [part is UNSET for part in column]
                values[:, field] = [np.nan if part is UNSET or part is None else part for part in column]
        return values, is_unset

    def _spread(self, rows: Sequence[Row], values: Float64, faults: Faults) -> tuple[Float64, Faults]:
        """Each value in the place of the channel that its row names. (N, 1) -> (N, C)."""
        came = [None if part is UNSET else part for part in map(attrgetter("channel"), rows)]
        place = np.array([_UNKNOWN if part is None else self._places.get(str(part), _UNKNOWN) for part in came], int)
        known = np.flatnonzero(place != _UNKNOWN)
        spread = np.full((len(rows), len(self._places)), np.nan)
        spread[known, place[known]] = values[known, 0]
        unknown = np.flatnonzero(place == _UNKNOWN).tolist()
        return spread, faults | {row: self._refused(came[row]) for row in unknown}

    def _refused(self, came: object) -> Fault:
        path = str(self._channel_field)
        if came is None:
            return wrong(Reason.NO_CHANNEL, path, f"one of the channels {sorted(self._places)}", came)
        return unknown_channel(path, self._places, came)
