"""The past of one partition: its records once more, from an offset on, while the group goes on without noticing."""

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from typing_extensions import override

from connectors.columns import Records, TopicPartition


class Past(Protocol):
    """Records that were delivered before. One thread calls every method."""

    @property
    def position(self) -> int:
        """The offset that is the next to be read."""
        ...

    def read(self, until: int) -> Records:
        """The next records before the offset ``until``; none at the end of it, and while none have come. Never waits.

        Where there is nothing left before ``until``, `position` is at it or behind.

        Raises:
            TransientError: the brokers cannot be reached.
            OffsetGoneError: records were deleted before they were read.
        """
        ...

    def close(self) -> None:
        """Let go of the connection. A second call does nothing."""
        ...


OpenPast = Callable[[TopicPartition, int], Past]
"""Opens the past of a partition at an offset.

Raises:
    TransientError: the brokers cannot be reached.
"""


class MemoryPast(Past):
    """The past of a log in memory, at most ``batch_records`` a read."""

    def __init__(
        self, log: Iterable[object], where: TopicPartition, offset: int, batch_records: int = 1_000_000
    ) -> None:
        """``log`` may be a script: what is in it beside records of the partition is passed over."""
        entries = [one for one in log if isinstance(one, Records) and one.topic_partition == where]
        self._left = Records(
            where,
            np.concatenate([np.empty(0, np.int64), *(one.offset for one in entries)]),
            np.concatenate([np.empty(0, np.int64), *(one.timestamp_ms for one in entries)]),
            [key for one in entries for key in one.key],
            [value for one in entries for value in one.value],
            [headers for one in entries for headers in one.headers],
        ).split(offset)[1]
        self._position = offset
        self._batch_records = batch_records

    @property
    @override
    def position(self) -> int:
        return self._position

    @override
    def read(self, until: int) -> Records:
        records, self._left = self._left.split(min(until, self._position + self._batch_records))
        if len(records):
            self._position = records.next_offset
        return records

    @override
    def close(self) -> None:
        self._left = Records.none(self._left.topic_partition)
