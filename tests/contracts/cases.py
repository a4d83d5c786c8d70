"""The shape of a case: what a kind of source, sink or store offers so that one contract suite can run on it.

A kind gives functions in `<kind>_parts.py`: `<kind>_source_case(request)`, `<kind>_sink_case(request)` and
`<kind>_store_case(request)`, as far as it has such things. They take pytest's request, may ask it for fixtures, and
register what must be tidied up with ``request.addfinalizer``.
"""

from collections.abc import Sequence
from typing import Protocol

from connectors.columns import Records, TopicPartition
from connectors.encode import Encoder
from connectors.ports import Assigned, CheckpointStore, Event, Sink, Source

Rows = Sequence[tuple[bytes, bytes]]


class SourceCase(Protocol):
    """One empty partition that rows can be put on, and sources that read it."""

    @property
    def partition(self) -> TopicPartition:
        """The only partition there is; its first row has offset 0 and offsets have no holes."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether a source opened later goes on behind what an earlier one committed."""
        ...

    def fill(self, rows: Rows) -> None:
        """Put these (key, value) on the partition. Called once, before `open`.

        Every value is a JSON object on one line, and its member ``"series"`` is the key.
        """
        ...

    def open(self) -> Source:
        """A new source of this partition, whose first offset is the earliest one.

        A test closes what it opened before it opens the next one; both belong to one consumer group.
        """
        ...


def place(source: Source, polled: Sequence[Event | Records]) -> None:
    """Let every partition that these events assign begin behind what was committed, else at its first offset."""
    for event in polled:
        if isinstance(event, Assigned):
            for partition in event.partitions:
                committed = source.committed(partition)
                source.seek(partition, source.first_offset(partition) if committed is None else committed)


class SinkCase(Protocol):
    """Sinks of one kind, and a way to read what they made durable that does not go through them."""

    @property
    def keeps_keys(self) -> bool:
        """Whether `messages` knows the keys; where it does not, they are None."""
        ...

    def open(self, encoder: Encoder) -> Sink:
        """A new sink whose columns are encoded by ``encoder``. Its topics exist (see `CASE_TOPICS`)."""
        ...

    def messages(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        """The (key, value) that are durable on ``topic`` by now, in the order they were written."""
        ...


class StoreCase(Protocol):
    """One place for checkpoints, empty at first, and stores that keep them there."""

    def open(self) -> CheckpointStore:
        """A new store, as another process has it or this one after a restart. Several may be open at a time."""
        ...


CASE_TOPICS = ("results", "alarms", "dead-letters")
"""The topics that the sink suite writes to: the defaults of `connectors.outputs`, one partition each.

The encoder that a case gets writes to exactly these names. Where topics outlive a test, as on a broker, a case starts
from emptied topics or reads from the end offsets that it noted when it was made.
"""
