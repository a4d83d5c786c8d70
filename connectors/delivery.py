"""Delivery at least once: outputs first, offsets after them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.errors import DoubtError, TransientError
from connectors.ports import Columns, Delivery, Sink, Source


class AtLeastOnce(Delivery):
    """Delivers to a sink, then commits at the source. A crash between the two repeats outputs and loses none.

    A predecessor that is still at work is not held up: what both write is there twice.
    """

    def __init__(self, sink: Sink, source: Source) -> None:
        self._sink = sink
        self._source = source
        self._begun: set[TopicPartition] = set()

    @override
    def open(self, partition: TopicPartition) -> None:
        pass

    @override
    def release(self, partition: TopicPartition) -> None:
        pass

    @override
    def begin(self, partition: TopicPartition) -> None:
        if partition in self._begun:
            raise RuntimeError(f"begin: expected no delivery of {partition} under way, got one")
        self._begun.add(partition)

    @override
    def write(self, columns: Columns) -> None:
        if not self._begun:
            raise RuntimeError("write: expected a delivery that has begun, got none")
        with _irrevocable():
            self._sink.write(columns)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Make the outputs durable, then the offsets.

        The order is the guarantee: an offset is committed only once the outputs of the readings before it are durable,
        so a crash between the two lines repeats work and loses none.
        """
        if not self._begun or next_offsets.keys() != self._begun:
            raise RuntimeError(f"commit: expected the next offsets of {self._begun}, got {dict(next_offsets)}")
        with _irrevocable():
            self._sink.flush()
        self._source.commit(next_offsets)
        self._begun.clear()

    @override
    def close(self) -> None:
        self._begun.clear()
        self._sink.close()


@contextmanager
def _irrevocable() -> Iterator[None]:
    """A sink that failed holds some of what it was given, so trying again is not for us."""
    try:
        yield
    except TransientError as error:
        raise DoubtError(f"{error}: the outcome is unknown") from error
