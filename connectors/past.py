"""The past of one partition: its records once more, from an offset on, while the group goes on without noticing."""

from collections.abc import Callable, Iterable
from typing import Protocol

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
        self._log = [one for one in log if isinstance(one, Records) and one.topic_partition == where]
        self._where = where
        self._position = offset
        self._batch_records = batch_records

    @property
    @override
    def position(self) -> int:
        return self._position

    @override
    def read(self, until: int) -> Records:
        for records in self._log:
            wanted = records.split(until)[0].split(self._position)[1]
            if len(wanted):
                wanted = wanted.split(int(wanted.offset[0]) + self._batch_records)[0]
                self._position = wanted.next_offset
                return wanted
        return Records.none(self._where)

    @override
    def close(self) -> None:
        self._log.clear()
