"""Results as JSON: one object a reading, or one object of columns for many.

Numbers go from numpy to text by one call a column, without a Python float each. Values, forecasts, bands and p-values
keep 64 bits: near a counter of 1.7e9 single precision is coarser than many a band, and it ends at 1e-45 where p-values
do not. Scores and shares are written in single precision. What is not finite is written as null.
"""

from collections.abc import Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from connectors.columns import Bool, Int64, Results

SCHEMA_VERSION = 1
_PER_CHANNEL = ("value", "forecast", "lower", "upper", "shares")
_AHEAD = ("forecast", "lower", "upper")


def result_objects(results: Results) -> list[bytes]:
    """One JSON object a reading.

    A batch fills one template: what all of it shares is written into the template, the rest are columns of texts.
    """
    if len(results) == 0:
        return []
    readings = results.readings
    shared = {
        "group": readings.group,
        "artifact": results.artifact,
        "topic": readings.topic_partition.topic,
        "partition": readings.topic_partition.partition,
    }
    members = [
        f'{{"schema_version":{SCHEMA_VERSION}'.encode(),
        *(_member(name, orjson.dumps(value)) for name, value in shared.items()),
        *(_member(name, b"\0") for name in ("offset", "index")),
        *(_member(name, b'"\0"') for name in ("series", "timestamp")),
        *(_member(name, _channels_template(results.channels)) for name in _PER_CHANNEL),
        *(_member(name, b"\0") for name in ("anomaly_score", "novelty", "surge", "p_value", "is_anomalous", "warming")),
        *([_member("ahead", _ahead_template(results))] if results.ahead else []),
    ]
    template = b",".join(members).replace(b"%", b"%%").replace(b"\0", b"%b") + b"}"
    return [template % row for row in zip(*_texts(results), strict=True)]


def bulk_object(results: Results) -> bytes:
    """One JSON object with a column for every member; members of channels are channel-major: one array a channel."""
    readings = results.readings
    columns = {
        "series": readings.series.tolist(),
        "timestamp_ns": readings.timestamp,
        "offset": readings.offset,
        "index": readings.index,
        **{name: np.ascontiguousarray(_channels(results, name).T) for name in _PER_CHANNEL},
        "anomaly_score": results.anomaly_score.astype(np.float32),
        "novelty": results.novelty.astype(np.float32),
        "surge": results.surge.astype(np.float32),
        "p_value": np.ascontiguousarray(results.p_value),
        "is_anomalous": np.ascontiguousarray(results.is_anomalous),
        "warming": np.ascontiguousarray(results.warming),
    }
    if results.ahead:
        columns["ahead"] = {
            str(horizon): {name: np.ascontiguousarray(getattr(results.ahead, name)[..., place].T) for name in _AHEAD}
            for place, horizon in enumerate(results.ahead.horizons)
        }
    envelope = {
        "schema_version": SCHEMA_VERSION,
        "group": readings.group,
        "artifact": results.artifact,
        "topic": readings.topic_partition.topic,
        "partition": readings.topic_partition.partition,
        "channels": list(results.channels),
        "columns": columns,
    }
    return orjson.dumps(envelope, option=orjson.OPT_SERIALIZE_NUMPY)


def iso8601(timestamp: Int64) -> list[bytes]:
    """Nanoseconds since the epoch as ISO 8601, UTC, nine digits, (N,)."""
    texts = np.datetime_as_string(np.ascontiguousarray(timestamp).view("datetime64[ns]"), unit="ns")
    characters = texts.view(np.uint32).astype(np.uint8)  # numpy keeps a character in 4 bytes; these are all ASCII
    return [text + b"Z" for text in characters.view(f"S{texts.itemsize // 4}").tolist()]


def _texts(results: Results) -> Iterator[list[bytes]]:
    """The columns of texts, in the order of the template."""
    readings = results.readings
    yield _numbers(readings.offset)
    yield _numbers(readings.index)
    yield _strings(readings.series.tolist())
    yield iso8601(readings.timestamp)
    for name in _PER_CHANNEL:
        values = _channels(results, name)
        for channel in range(len(results.channels)):
            yield _numbers(values[:, channel])
    yield _numbers(results.anomaly_score.astype(np.float32))
    yield _numbers(results.novelty.astype(np.float32))
    yield _numbers(results.surge.astype(np.float32))
    yield _numbers(results.p_value)
    yield _booleans(results.is_anomalous)
    yield _booleans(results.warming)
    if ahead := results.ahead:
        for place in range(len(ahead.horizons)):
            for name in _AHEAD:
                for channel in range(len(results.channels)):
                    yield _numbers(getattr(ahead, name)[:, channel, place])


def _channels(results: Results, name: str) -> NDArray[np.float64] | NDArray[np.float32]:
    values: NDArray[np.float64] = getattr(results, name)
    return values.astype(np.float32) if name == "shares" else values


def _numbers(column: NDArray[np.number]) -> list[bytes]:
    text = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[1:-1].split(b",")


def _strings(texts: list[str]) -> list[bytes]:
    """Each text as JSON without its quotes: a bare quote inside is escaped, so only the joints read ``","``."""
    return orjson.dumps(texts)[2:-2].split(b'","')


def _booleans(column: Bool) -> list[bytes]:
    return [b"true" if value else b"false" for value in column.tolist()]


def _member(name: str, value: bytes) -> bytes:
    return orjson.dumps(name) + b":" + value


def _ahead_template(results: Results) -> bytes:
    """The object of all further horizons, each by its number of readings."""
    channels = _channels_template(results.channels)
    each = b"{" + b",".join(_member(name, channels) for name in _AHEAD) + b"}"
    horizons = results.ahead.horizons if results.ahead else ()
    return b"{" + b",".join(_member(str(horizon), each) for horizon in horizons) + b"}"


def _channels_template(channels: tuple[str, ...]) -> bytes:
    return b"{" + b",".join(_member(channel, b"\0") for channel in channels) + b"}"
