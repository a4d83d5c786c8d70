"""Records to decode, and the decoder in one call."""

from collections.abc import Sequence

import numpy as np

from connectors.columns import Readings, Records, Rejects, TopicPartition
from connectors.decode import Decoder
from connectors.formats import Format

PARTITION = TopicPartition("machines", 3)
NOW_MS = 1_647_770_400_000
FIELDS = ("value", "other")


def records_of(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None = None,
    timestamp_ms: Sequence[int] | None = None,
) -> Records:
    """Records with holes between their offsets, as a compacted or transactional topic has."""
    return Records(
        PARTITION,
        np.arange(len(values)) * 2 + 100,
        np.array([NOW_MS] * len(values) if timestamp_ms is None else timestamp_ms, dtype=np.int64),
        [b"a"] * len(values) if keys is None else list(keys),
        list(values),
        [[("header", b"of record")]] * len(values),
    )


def decode(
    record_format: Format, records: Records, fields: Sequence[str] = ("value",), max_record_bytes: int = 1_048_576
) -> tuple[Readings, Rejects]:
    return Decoder("sensors", record_format, fields, max_record_bytes).decode(records)
