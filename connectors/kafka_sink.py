"""Columns as messages on Kafka topics."""

from typing_extensions import override

from connectors.encode import Encoder
from connectors.kafka_options import ProducerOptions
from connectors.kafka_outbox import Outbox
from connectors.ports import Columns, Sink


class KafkaSink(Sink):
    """The messages that ``encoder`` makes of the columns. The topics must exist: see `kafka_cluster.ensure_topics`."""

    def __init__(self, options: ProducerOptions, encoder: Encoder) -> None:
        self._encoder = encoder
        self._outbox = Outbox(options)

    @override
    def write(self, columns: Columns) -> None:
        self._outbox.send(self._encoder.encode(columns))

    @override
    def flush(self) -> None:
        self._outbox.flush()

    @override
    def close(self) -> None:
        self._outbox.close()
