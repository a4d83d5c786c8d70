"""The past of a Kafka partition, read by a consumer that belongs to no group."""

from kafka import TopicPartition as ClientPartition
from kafka.errors import OffsetOutOfRangeError
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.errors import OffsetGoneError
from connectors.kafka_batches import FetchedRecords
from connectors.kafka_closing import close_consumer
from connectors.kafka_errors import translated
from connectors.kafka_history import reader
from connectors.kafka_offsets import name
from connectors.kafka_options import KafkaOptions
from connectors.kafka_source import records_of
from connectors.past import Past


class KafkaPast(Past):
    """What transactions have committed, `KafkaOptions.max_poll_records` a read; the client fetches ahead meanwhile."""

    def __init__(self, options: KafkaOptions, where: TopicPartition, offset: int) -> None:
        """Connect.

        Raises:
            TransientError: the brokers cannot be reached.
        """
        self._where = where
        self._asked = ClientPartition(*where)
        self._ahead = Records.none(where)  # polled, and not asked for yet
        self._consumer = reader(options)
        self._consumer._fetcher.PartitionRecords = FetchedRecords  # noqa: SLF001  # as in `KafkaSource`
        self._consumer.assign([self._asked])
        self._consumer.seek(self._asked, offset)

    @property
    @override
    def position(self) -> int:
        return int(self._ahead.offset[0]) if len(self._ahead) else int(self._consumer.position(self._asked))

    @override
    def read(self, until: int) -> Records:
        if not len(self._ahead):
            self._ahead = self._polled()
        wanted, self._ahead = self._ahead.split(until)
        return wanted

    def _polled(self) -> Records:
        try:
            with translated("read the past"):
                rows = self._consumer.poll(timeout_ms=0).get(self._asked, ())
        except OffsetOutOfRangeError as error:
            raise OffsetGoneError(f"kafka: {name(self._where)}: records were deleted before they were read") from error
        return records_of(self._where, rows) if rows else Records.none(self._where)

    @override
    def close(self) -> None:
        close_consumer(self._consumer)
