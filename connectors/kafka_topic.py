"""What stands on a Kafka topic now, from its oldest record to its end."""

from collections.abc import Iterator

from connectors.columns import Records
from connectors.kafka_history import KafkaHistory, Span, reader
from connectors.kafka_offsets import Offsets
from connectors.kafka_options import KafkaOptions
from connectors.ports import Ended

_POLL_SECONDS = 1.0


def values(options: KafkaOptions, topic: str) -> Iterator[bytes]:
    """The values of the records that transactions have committed, those of a partition in their order.

    Raises:
        ConfigError: there is no such topic.
        TransientError: the brokers cannot be reached.
        OffsetGoneError: records were deleted while this reads.
    """
    consumer = reader(options)
    offsets = Offsets(consumer, options)
    spans = {where: Span(offsets.oldest(where), offsets.end(where)) for where in offsets.partitions([topic], [])}
    history = KafkaHistory(options, consumer, spans, is_resumed=False)
    for where, span in spans.items():
        history.seek(where, span.start)
    try:
        while True:
            for entry in history.poll(_POLL_SECONDS):
                if isinstance(entry, Ended):
                    return
                if isinstance(entry, Records):
                    yield from (value for value in entry.value if value is not None)
    finally:
        history.close()
